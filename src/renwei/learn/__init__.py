"""Pure mathematics on arrays; knows no noun of the product."""
