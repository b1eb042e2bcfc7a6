"""Stages of life by month, tiers with what to do for each, and who is in which."""
