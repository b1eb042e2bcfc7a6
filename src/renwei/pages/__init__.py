"""Pages: which modules a page shows to whom, in which order."""
