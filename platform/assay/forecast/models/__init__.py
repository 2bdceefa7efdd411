"""One model per file; importing the room imports them all."""
