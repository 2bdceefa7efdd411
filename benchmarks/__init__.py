"""Measurements beside named peers. `python -m benchmarks.run` repeats all of them; README.md holds the last table."""
