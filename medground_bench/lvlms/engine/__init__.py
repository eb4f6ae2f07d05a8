"""What the local model families share, and a cache for any LVLM."""
