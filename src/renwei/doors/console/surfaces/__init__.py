"""Surfaces and pages: what they show to whom and why, two people side by side, and changing it."""
