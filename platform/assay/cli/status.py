from __future__ import annotations

from pathlib import Path

import click

from assay.cli import common


@click.command("status")
@common.format_option("text", "json")
@common.project_option
@common.command
def command(format: str, project: Path) -> None:
    """Show what is fresh, what failed, what ran, what it costs and what is kept for nobody."""
    from assay.jobs.operations.status import lines, status

    with common.session(project, show=False) as context:
        found = status(context)
    if format == "json":
        common.print_json(found.as_dict())
    else:
        click.echo("\n".join(lines(found)) or "Nothing is defined.")
