"""Publishing: what may leave this machine, and how it becomes what is published."""
