"""Decisions: what was chosen for whom, from what, with what odds, and why."""
