"""The embedded world: a procedural chest X-ray with exact truth, and two tiny LVLMs trained on it."""
