"""Who someone is (tokens, the built-in authorization server) and what they may do (policy)."""
