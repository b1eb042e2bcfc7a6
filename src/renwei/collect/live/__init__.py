"""Live events: what SDKs send becomes events of the log, profiles, consents, and refusals."""
