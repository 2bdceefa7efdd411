"""What the definitions change: plan, apply, and what was applied before."""
