"""The commands of the builder, one a file."""
