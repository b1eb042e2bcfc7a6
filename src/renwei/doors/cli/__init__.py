"""The command line, derived from the operations."""

from __future__ import annotations
