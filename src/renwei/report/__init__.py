"""Report: what changed, whether it is noise, where it comes from, and what to do about it."""
