"""Questions: series, cohorts, and why a number moved."""
