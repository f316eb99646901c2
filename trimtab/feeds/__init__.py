"""Bytes to typed rows: one module per concern, strict everywhere. Nothing here knows the database."""
