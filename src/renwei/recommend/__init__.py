"""Recommend: what to show to whom, decided per request and known by the next click."""
