"""What people decide about the night's deliveries."""
