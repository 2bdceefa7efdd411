"""What is stored: states and models by day, what built them, and what their checks said."""
