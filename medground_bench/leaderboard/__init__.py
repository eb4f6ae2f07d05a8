"""The board of methods."""
