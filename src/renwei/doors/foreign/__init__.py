"""Foreign wires: pure functions from the bytes that other SDKs send to incoming events."""
