"""How the anatomy network was made."""
