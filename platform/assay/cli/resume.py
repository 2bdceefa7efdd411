from __future__ import annotations

from pathlib import Path

import click

from assay.cli import common


@click.command("resume")
@common.project_option
@common.command
def command(project: Path) -> None:
    """End a pause."""
    from assay.jobs.storage import pauses

    with common.session(project) as context:
        pauses.resume(context)
    click.echo("Work goes on.")
