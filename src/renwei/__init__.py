"""Renwei (人味): decide for each person what to show, say or leave unsaid, and say why.

Importing the package loads nothing heavy; each part imports what it needs where it is used.
"""

from __future__ import annotations

__version__ = "0.1.0"
