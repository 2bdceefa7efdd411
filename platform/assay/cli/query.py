from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common

if TYPE_CHECKING:
    from assay.jobs.context import Context
    from assay.jobs.query import Row

GRAINS = ("day", "week", "month", "total")


@click.command("query")
@click.argument("metrics", nargs=-1, required=True)
@click.option("--by", help="Also split by this dimension.")
@click.option("--grain", type=click.Choice(GRAINS), default="day", show_default=True, help="Length of a period.")
@click.option("--from", "start", type=common.Day(), required=True, help="First day.")
@click.option("--to", "end", type=common.Day(), required=True, help="The day after the last one.")
@common.format_option("text", "csv", "json", "sparkline")
@common.project_option
@common.command
def command(
    metrics: tuple[str, ...], by: str | None, grain: str, start: date, end: date, format: str, project: Path
) -> None:
    """Read series of METRICS over the local days [--from, --to)."""
    from assay.jobs.query import query

    with common.session(project, show=False) as context:
        rows = query(context, metrics, start, end, by, grain)
        if format == "json":
            common.print_json({"metrics": list(metrics), "grain": grain, "rows": [row.as_dict() for row in rows]})
        elif not rows:
            click.echo("Nothing is stored for these days: run 'platform run'.", err=True)
        else:
            click.echo(_text(context, rows, by, format), nl=False)


def _text(context: Context, rows: list[Row], by: str | None, format: str) -> str:
    from assay.report.text import csv, table

    if format == "sparkline":
        return _sparklines(context, rows)
    headers = ("metric", "time", *((by,) if by else ()), "value", "note")
    cells = [(row.metric, row.time, *row.by.values(), row.value, row.reason or "") for row in rows]
    if format == "csv":
        return csv(headers, cells)
    shown = [(*cell[:-2], _show(context, row), cell[-1]) for cell, row in zip(cells, rows, strict=True)]
    return table(headers, shown)


def _show(context: Context, row: Row) -> str:
    from assay.report.format import show

    style = context.catalog.metric(row.metric).spec.format
    return f"{row.value:,}" if isinstance(row.value, int) and style == "number" else show(row.value, style)


def _sparklines(context: Context, rows: list[Row]) -> str:
    from assay.report.text import sparkline, table

    series: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        series.setdefault((row.metric, " ".join(row.by.values())), []).append(row)
    lines = [
        (*name, sparkline([row.value for row in found]), _show(context, found[-1])) for name, found in series.items()
    ]
    return table(("metric", "slice", "series", "last"), lines)
