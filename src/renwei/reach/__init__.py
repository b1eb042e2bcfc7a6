"""Whom to contact today, with what, when and why; a person does the contacting."""
