"""Keeping a workspace well for years: backup, restore, doctor, purge, version, chores."""
