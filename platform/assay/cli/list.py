from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from assay.cli import common

KINDS = (
    "sources", "models", "metrics", "experiments", "alerts", "routes", "silences", "events", "forecasts", "impacts",
    "reports", "dashboards",
)  # fmt: skip
PLUGINS = {
    "detectors": ("detect", "detectors"),
    "tests": ("stats", "methods"),
    "forecast-models": ("forecast", "models"),
    "channels": ("delivery", "channels"),
}


@click.command("list")
@click.argument("kind", type=click.Choice((*KINDS, *PLUGINS)), required=False)
@common.format_option("text", "json")
@common.project_option
@common.command
def command(kind: str | None, format: str, project: Path) -> None:
    """Show what is defined: one KIND, or the number of each."""
    items = _items(kind, project) if kind else _counts(project)
    if format == "json":
        common.print_json({"kind": kind or "kinds", "items": items})
        return
    from assay.report.text import table

    headers = [key for key in (items or [{"name": ""}])[0] if any(each[key] is not None for each in items)]
    rows = [["" if each[key] is None else each[key] for key in headers] for each in items]
    click.echo(table(headers, rows), nl=False)


def _items(kind: str, project: Path) -> list[dict[str, Any]]:
    if kind in PLUGINS:
        from assay.catalog.plugins import names

        return [{"name": name, "path": None, "line": None, "owner": None} for name in sorted(names(*PLUGINS[kind]))]
    found = getattr(common.load(project).catalog.definitions, kind).values()
    return [
        {"name": each.name, "path": each.location.path, "line": each.location.line, "owner": each.spec.owner}
        for each in found
    ]


def _counts(project: Path) -> list[dict[str, Any]]:
    definitions = common.load(project).catalog.definitions
    nowhere = {"path": None, "line": None, "owner": None}
    return [{"name": kind, "defined": len(getattr(definitions, kind)), **nowhere} for kind in KINDS]
