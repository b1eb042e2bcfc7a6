"""The catalogue: found, filtered, one item with its prices, changed by hand, brought in as a file."""
