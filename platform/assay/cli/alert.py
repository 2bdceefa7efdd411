from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import alert_actions, alert_backtest, alert_listen, alert_route, alert_tune, common
from assay.errors import DeliveryError

if TYPE_CHECKING:
    from assay.jobs.alerts.alerting import Checked


@click.group("alert")
def command() -> None:
    """Judge metrics and send alerts."""


command.add_command(alert_backtest.command)
command.add_command(alert_route.command)
command.add_command(alert_tune.command)
command.add_command(alert_listen.command)
for _each in alert_actions.COMMANDS:
    command.add_command(_each)


@command.command("check")
@click.argument("names", nargs=-1)
@click.option("--at", help="As of this moment, such as 2025-08-24T12:00, in the project's zone (default: now).")
@click.option("--dry-run", is_flag=True, help="Judge, and send nothing.")
@common.format_option("text", "json")
@common.project_option
@common.command
def check(names: tuple[str, ...], at: str | None, dry_run: bool, format: str, project: Path) -> None:
    """Judge the alerts NAMES (all when left out) on the slot that has just ended, and send what fires."""
    from assay.jobs.alerts.alerting import check as run

    loaded = common.load(project)
    moment = common.local_moment(at, loaded.catalog.zone) if at else common.now()
    with loaded.open(moment) as context:
        result = run(context, moment, names, send=not dry_run)
    if format == "json":
        common.print_json(result.as_dict())
    else:
        click.echo(text(result))
    if result.failed:
        raise click.exceptions.Exit(next(iter(result.failed.values())).exit_code)
    if any(receipt.status == "failed" for receipt in result.receipts):
        raise click.exceptions.Exit(DeliveryError.exit_code)


def text(result: Checked) -> str:
    """The outcome for a terminal."""
    from assay.jobs.alerts.findings import tell

    found = result.as_dict()
    lines = [f"{result.at:%Y-%m-%d %H:%M}: {result.evaluated} series judged, {len(result.findings)} stand out"]
    for each in result.findings:
        quiet = f" (nobody is told: {'; '.join(each.quiet)})" if each.quiet else ""
        lines.append(f"{each.state:<8} {each.alert.name}  {each.sentence}{quiet}")
        lines += [f"{'':<8} {tell(cause)}" for cause in each.causes]
    lines += [f"sent     {receipt.reference}" for receipt in result.receipts if receipt.status == "sent"]
    lines += [f"failed   {receipt.detail}" for receipt in result.receipts if receipt.status == "failed"]
    for word, errors in (("failed", result.failed), ("blocked", result.blocked)):
        lines += [f"{word:<8} {name}: {each.message}" for name, error in errors.items() for each in error.diagnostics]
    lines += [f"quiet    {each['reason']} ({each['count']})" for each in found["suppressed"]]
    return "\n".join(lines)
