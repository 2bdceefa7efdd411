"""What Assay does: one verb per file, each a function of a Context and plain arguments."""
