"""Order files come in here: read, understood, checked, and kept."""

from __future__ import annotations
