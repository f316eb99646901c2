"""Shadow runs of proposed changes, as the API runs and shows them."""
