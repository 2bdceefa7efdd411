from __future__ import annotations

import json

import click

from assay.cli import common


@click.command("schema")
@click.option("--outputs", is_flag=True, help="The schemas of what commands print with --format json.")
@common.command
def command(outputs: bool) -> None:
    """Print the JSON Schema of the definitions, for editors."""
    from assay.config.schema import json_schema
    from assay.jobs.outputs.contracts import SCHEMAS

    click.echo(json.dumps(SCHEMAS if outputs else json_schema(), indent=2))
