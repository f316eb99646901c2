"""One file a mutation."""
