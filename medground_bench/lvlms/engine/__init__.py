"""What the local model families share."""
