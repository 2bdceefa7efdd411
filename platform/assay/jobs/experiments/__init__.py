"""Experiments: design, A/A, power, read-out, and their history."""
