"""The catalogue as a shop tells it: items of any kind, with the history of price and stock."""
