"""`alert route`: who would get what, and why."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli import common

_SEVERITIES = ("info", "warning", "critical")


@click.command("route")
@click.option("--labels", default="", help="Labels of the message, such as severity=critical,city=Moscow.")
@click.option("--alert", "alerts", multiple=True, help="Only this alert; may be repeated (default: all).")
@click.option("--at", help="At this moment, such as 2025-08-24T23:30, in the project's zone (default: now).")
@common.format_option("text", "json")
@common.project_option
@common.command
def command(labels: str, alerts: tuple[str, ...], at: str | None, format: str, project: Path) -> None:
    """Who would get an alert, by which route and why. Nothing is sent."""
    from assay.jobs.alerts.sending import explain

    catalog = common.load(project).catalog
    moment = common.local_moment(at, catalog.zone) if at else common.now()
    found = explain(catalog, _parsed(labels), alerts, moment)
    if format == "json":
        common.print_json({"deliveries": [each.as_dict() for each in found]})
        return
    for each in found:
        where = f"{each.channel} {each.recipient}" if each.channel else "nobody"
        click.echo(f"{', '.join(each.alerts)}\n  → {where} (route {each.route})\n    {each.reason}")


def _parsed(text: str) -> dict[str, str]:
    """`severity=critical,city=Moscow` as labels. Raises click.BadParameter."""
    pairs = [each.partition("=") for each in text.split(",") if each.strip()]
    found = {name.strip(): value.strip() for name, _, value in pairs}
    if not all(name.strip() and sign and value.strip() for name, sign, value in pairs):
        raise click.BadParameter(f"'{text}' is not a list of labels such as severity=critical,city=Moscow")
    if found.get("severity", "info") not in _SEVERITIES:
        raise click.BadParameter(f"the severity is one of {', '.join(_SEVERITIES)}")
    return found
