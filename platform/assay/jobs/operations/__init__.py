"""What people who run a project ask for: its state, and what may be dropped."""
