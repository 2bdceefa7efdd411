from __future__ import annotations

from pathlib import Path

import click

from assay.cli import common


@click.command("pause")
@click.option("--reason", required=True, help="Why; everybody who is refused reads it.")
@click.option("--kill", is_flag=True, help="Also stop what runs on the server now.")
@common.project_option
@common.command
def command(reason: str, kill: bool, project: Path) -> None:
    """Refuse to build, judge and send, on every machine and in Airflow, until 'platform resume'."""
    from assay.jobs.storage import pauses

    with common.session(project) as context:
        held = pauses.pause(context, reason)
        if kill:
            pauses.kill(context)
    click.echo(f"Paused by {held.who}: {held.reason}")
