"""How the network that tells views apart was made."""
