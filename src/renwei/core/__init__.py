"""The spine: nouns, the one loop, ports, policies, outcomes and reasons. Standard library only."""

from __future__ import annotations
