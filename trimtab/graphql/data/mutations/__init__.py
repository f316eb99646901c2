"""The mutations about data, one a file."""
