"""The comparison that a user would make: three ways to run the same accounts through the real days of 2020."""
