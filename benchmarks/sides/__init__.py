"""One module per side of a comparison. Each runs in an environment of its own and answers what `serve` passes on."""
