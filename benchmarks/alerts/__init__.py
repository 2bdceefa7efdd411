"""How well alerts find what is planted, and how rarely they cry without cause."""
