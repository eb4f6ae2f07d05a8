"""How the two embedded LVLMs were made."""
