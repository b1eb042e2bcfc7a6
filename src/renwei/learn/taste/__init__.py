"""What a person may want next, from purchases and interactions: sources, ranker, variety."""
