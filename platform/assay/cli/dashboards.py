from __future__ import annotations

from pathlib import Path

import click

from assay.cli import common


@click.group("dashboards")
def command() -> None:
    """Boards of BI tools: wide tables, and bundles made from the same definitions."""


@command.command("refresh")
@click.argument("names", nargs=-1)
@common.format_option("text", "json")
@common.project_option
@common.command
def refresh(names: tuple[str, ...], format: str, project: Path) -> None:
    """Store the tables dash_* of dashboards NAMES again (default: all)."""
    from assay.jobs.outputs.boards import wide

    with common.session(project, show=format == "text") as context:
        found = wide.refresh_all(context, wide.boards(context, names))
    if format == "json":
        common.print_json({"tables": [each.as_dict() for each in found]})
    else:
        for each in found:
            click.echo(f"{each.table}: {each.rows:,} rows, {each.start} to {each.end}")


@command.group("export")
def export() -> None:
    """Write dashboards for another tool."""


@export.command("superset")
@click.argument("names", nargs=-1)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The ZIP to write, for Superset 6."
)
@click.option("--uri", help="The warehouse as Superset reaches it (default: as this project does).")
@common.format_option("text", "json")
@common.project_option
@common.command
def superset(names: tuple[str, ...], out: Path, uri: str | None, format: str, project: Path) -> None:
    """Write dashboards NAMES (default: all) as one bundle, over wide tables that are refreshed first."""
    from assay.jobs.outputs.boards.superset import address
    from assay.jobs.outputs.boards.superset import export as run

    loaded = common.load(project)
    with loaded.open(common.now(), common.progress()) as context:
        made = run(context, names, uri or address(loaded.dsn), out)
    if format == "json":
        common.print_json(made.as_dict())
    else:
        click.echo(f"{made.path}: {len(made.dashboards)} dashboards in {made.files} files")
