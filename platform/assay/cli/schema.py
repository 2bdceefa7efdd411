from __future__ import annotations

import json

import click

from assay.cli import common


@click.command("schema")
@common.command
def command() -> None:
    """Print the JSON Schema of the definitions, for editors."""
    from assay.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
