"""`alert listen`: act on the buttons that people press."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from assay.cli import common
from assay.cli.alert_actions import Length


@click.command("listen")
@click.option("--route", default="", help="Only this route's chat and bot (default: all routes with buttons).")
@click.option("--once", is_flag=True, help="Act on what waits already, and stop.")
@click.option("--for", "length", type=Length(), help="Stop after this long, such as 30s or 12h (default: never).")
@common.project_option
@common.command
def command(route: str, once: bool, length: timedelta | None, project: Path) -> None:
    """Act on the buttons that people press in Telegram, until Ctrl-C."""
    from assay.jobs.alerts import listening

    if once and length:
        raise click.UsageError("--once and --for exclude each other")
    loaded = common.load(project)
    desk = listening.desk(loaded.open, common.now, route)
    click.echo(f"listening to {', '.join(sorted(desk.chats))}")
    try:
        for line in listening.listen(desk, timedelta(0) if once else length):
            click.echo(f"{common.now():%Y-%m-%d %H:%M:%S}Z {line}")
    except KeyboardInterrupt:
        click.echo("stopped")
