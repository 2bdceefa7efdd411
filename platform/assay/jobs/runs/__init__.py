"""What `run` and `check` do to a range of days."""
