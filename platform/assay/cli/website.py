from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from assay.cli import common


@click.group("site")
def command() -> None:
    """Build the static site."""


@command.command("build")
@click.option("--date", "day", type=common.Day(), help="The day to show (default: the last stored one).")
@click.option("--out", type=click.Path(path_type=Path), help="The folder to write (default: <target>/site).")
@common.format_option("text", "json")
@common.project_option
@common.command
def build(day: date | None, out: Path | None, format: str, project: Path) -> None:
    """Write the site as one folder that opens from disk, without a network."""
    from assay.jobs.outputs.website import build as run

    with common.session(project, show=False) as context:
        folder = run(context, day, out)
    if format == "json":
        common.print_json({"folder": str(folder), "index": str(folder / "index.html")})
    else:
        click.echo(f"Open {folder / 'index.html'}")
