"""One module for each form of file: how it is opened, and which of its entries become which cells."""
