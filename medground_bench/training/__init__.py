"""How the embedded models were made; what users run needs none of it."""
