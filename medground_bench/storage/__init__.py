"""What reaches the disk: whole files or none, and journals that survive a kill."""
