"""The command `platform`: one file per command, each prints and exits, nothing else."""
