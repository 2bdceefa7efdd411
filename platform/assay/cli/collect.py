from __future__ import annotations

from pathlib import Path

import click

from assay.cli import common


@click.command("gc")
@click.option("--drop", is_flag=True, help="Drop it; without this it is only shown.")
@common.format_option("text", "json")
@common.project_option
@common.command
def command(drop: bool, format: str, project: Path) -> None:
    """Show, or drop, stored days that no definition has and records older than 'retention' in project.yaml."""
    from assay.jobs.operations.retention import gc

    with common.session(project, show=False) as context:
        found = gc(context, drop)
    if format == "json":
        common.print_json({"dropped": drop, "waste": [each.as_dict() for each in found]})
        return
    for each in found:
        click.echo(f"{each.what}: {each.rows:,} rows, {each.bytes:,} bytes")
    total = f"{sum(each.bytes for each in found):,} bytes"
    click.echo(f"Dropped {total}." if drop else f"{total} may go: 'platform gc --drop'.")
