"""The order session: its protocol, the client side of it, and a paper broker with a journal."""
