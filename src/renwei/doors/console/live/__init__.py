"""Live events: what arrives, what was refused and why, and how to connect an app."""
