"""Who may do what, and who looked at whom: accounts, sessions, keys, masking, audit."""
