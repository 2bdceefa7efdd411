"""One detector, one file; dropping a file here registers it."""
