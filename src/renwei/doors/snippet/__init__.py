"""The shopper's script: a file that a shop's pages load, and what they may call from there."""
