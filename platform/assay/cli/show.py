from __future__ import annotations

from pathlib import Path

import click

from assay.cli import common

READINGS = ("series", "experiment", "alert")


@click.command("show")
@click.argument("name")
@click.option("--as", "reading", type=click.Choice(READINGS), help="How the name is read (default: its own kind).")
@common.format_option("text", "json")
@common.project_option
@common.command
def command(name: str, reading: str | None, format: str, project: Path) -> None:
    """Show the SQL that a metric, source, model, experiment or alert compiles to. Needs no warehouse."""
    from assay.jobs.outputs.show import show

    shown = show(common.load(project).catalog, name, reading)
    if format == "json":
        common.print_json(shown.as_dict())
        return
    for statement in shown.statements:
        click.echo(f"-- {statement.purpose}\n{statement.sql}")
        for key, value in sorted(statement.parameters.items()):
            text = str(value)
            click.echo(f"-- {{{key}}} = {text if len(text) < 80 else text[:77] + '…'}")
        click.echo()
