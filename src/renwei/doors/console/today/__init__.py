"""The marketer's morning: whom to contact today, with what, when and why."""
