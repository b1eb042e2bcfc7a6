"""The embedded store: one data directory, three SQLite files, a lake and a vault."""
