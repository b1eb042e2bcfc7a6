"""Bringing files in: drop, look at the guess, correct it, bring it in, mend, undo."""
