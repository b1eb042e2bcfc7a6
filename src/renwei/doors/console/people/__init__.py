"""Customers: everybody in a list, audiences, and one page a person."""
