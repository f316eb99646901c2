"""The model hub: providers' contracts, the models that they send, the fees for using them, and the bills (MD-5)."""
