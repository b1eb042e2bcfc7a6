"""Settings: the shop, how far the program may go, keys, team, wordings, who looked at whom."""
