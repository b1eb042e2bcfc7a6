"""Where the parts meet: settings, building, operations, jobs, and the demo shop."""

from __future__ import annotations
