"""Generated cards of methods, LVLMs and the anatomy network, and what they count."""
