"""The HTTP door: the server, the API derived from the operations, ingest, probes."""
