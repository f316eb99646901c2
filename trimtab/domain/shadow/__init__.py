"""Shadow runs: stored account-days analysed again with one thing replaced, and what would be different (N6, N8)."""
