"""Public checks, one for every seam: what a plugin must pass, and the built-ins pass too."""

from __future__ import annotations
