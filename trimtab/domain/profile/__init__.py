"""The client profile: settings in plain English, where they come from, and what they make of an account's settings."""
