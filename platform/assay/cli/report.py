from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import click

from assay.cli import common
from assay.errors import DeliveryError


@click.group("report")
def command() -> None:
    """Build and send reports."""


@command.command("send")
@click.argument("name")
@click.option("--date", "day", type=common.Day(), help="The day to report (default: yesterday).")
@click.option("--dry-run", is_flag=True, help="Write to the outbox folder of the target, and send nothing.")
@common.format_option("text", "json")
@common.project_option
@common.command
def send(name: str, day: date | None, dry_run: bool, format: str, project: Path) -> None:
    """Build the report NAME and send it by its route, once per day."""
    from assay.jobs.outputs.report import send as run

    with common.session(project, show=False) as context:
        result = run(context, name, day or context.today - timedelta(days=1), dry_run)
    if format == "json":
        common.print_json(result.as_dict())
    else:
        click.echo("\n".join([result.title, *result.story, ""]))
        for block in result.blocks:
            click.echo("\n".join([block.title, *(f"  {line}" for line in block.lines), ""]))
        for receipt in result.receipts:
            click.echo(f"{receipt.status}: {receipt.reference or receipt.recipient} {receipt.detail}".rstrip())
    if any(receipt.status == "failed" for receipt in result.receipts):
        raise click.exceptions.Exit(DeliveryError.exit_code)
