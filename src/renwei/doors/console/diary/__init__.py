"""What I did for you, and what I did not dare."""
