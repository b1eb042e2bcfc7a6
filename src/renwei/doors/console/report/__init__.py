"""The day and the week in sentences: what changed, whether it is noise, and the rows behind."""
