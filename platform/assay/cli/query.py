from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli import common
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.jobs.context import Context
    from assay.jobs.queries.cohort_records import Cell, Cohort, Matrix
    from assay.jobs.queries.query import Row

GRAINS = ("day", "week", "month", "total")
CHARTS = 12  # more of them nobody compares


@click.command("query")
@click.argument("metrics", nargs=-1, required=True)
@click.option("--by", help="Also split by this dimension.")
@click.option("--grain", type=click.Choice(GRAINS), default="day", show_default=True, help="Length of a period.")
@click.option("--from", "start", type=common.Day(), required=True, help="First day.")
@click.option("--to", "end", type=common.Day(), required=True, help="The day after the last one.")
@click.option(
    "--cohort",
    is_flag=False,
    flag_value="",
    help="By day of life of these cohorts, a metric of type unique, set or new; a retention metric has its own.",
)
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="Days of life of a cohort.")
@click.option(
    "--baseline",
    type=click.IntRange(0, 52),
    default=5,
    show_default=True,
    help="With --cohort: compare with so many cohorts of the same weekday before; 0 for none.",
)
@click.option("--chart", is_flag=True, help="Draw the series in the terminal.")
@common.format_option("text", "csv", "json", "sparkline")
@common.project_option
@common.command
def command(
    metrics: tuple[str, ...], cohort: str | None, chart: bool, project: Path, format: str, **options: Any
) -> None:
    """Read series of METRICS over the local days [--from, --to); with --cohort, one metric by day of life."""
    form = _drawn(format, cohort) if chart else format
    with common.session(project, show=False) as context:
        if cohort is None:
            _series(context, metrics, form, options)
        else:
            _matrix(context, metrics, cohort, form, options)


def _drawn(format: str, cohort: str | None) -> str:
    if format != "text":
        raise UsageError.of(
            "E601",
            f"--chart and --format {format} cannot go together.",
            why="A chart is a form of its own.",
            fix="Leave one of them out.",
        )
    return "chart" if cohort is None else "sparkline"


def _series(context: Context, metrics: tuple[str, ...], format: str, options: dict[str, Any]) -> None:
    from assay.jobs.queries.query import query

    by, grain = options["by"], options["grain"]
    rows = query(context, metrics, options["start"], options["end"], by, grain)
    if format == "json":
        common.print_json({"metrics": list(metrics), "grain": grain, "rows": [row.as_dict() for row in rows]})
    elif not rows:
        click.echo("Nothing is stored for these days: run 'platform run'.", err=True)
    elif format == "chart":
        click.echo(_charts(context, rows), nl=False, color=False if os.environ.get("NO_COLOR") else None)
    else:
        click.echo(_text(context, rows, by, format), nl=False)


def _matrix(context: Context, metrics: tuple[str, ...], cohort: str, format: str, options: dict[str, Any]) -> None:
    from assay.jobs.queries.cohorts import cohorts

    if len(metrics) > 1 or options["grain"] != "day":
        raise UsageError.of(
            "E601",
            "--cohort reads one metric by day.",
            why="Its columns are the days of life of each cohort.",
            fix="Ask for one metric after another, and leave out --grain.",
        )
    options.pop("grain")
    matrix = cohorts(context, metrics[0], cohort=cohort, **options)
    if format == "json":
        common.print_json(matrix.as_dict())
    else:
        click.echo({"text": _table, "csv": _csv, "sparkline": _curves}[format](matrix), nl=False)


def _table(matrix: Matrix) -> str:
    """One row per cohort, flagged ones marked, with their sentences and the summary below."""
    from assay.report.text import table

    rows = [
        (each.cohort, *each.by.values(), each.size, "!" if each.flagged else "", *_values(matrix, each.cells))
        for each in matrix.cohorts
    ]
    told = [f"! {each.sentence}\n" for each in matrix.cohorts if each.flagged]
    text = table((*_names(matrix), "size", "", *(f"d{day}" for day in matrix.days)), rows)
    return "\n".join(filter(None, (text, "".join(told), _summary(matrix))))


def _names(matrix: Matrix) -> tuple[str, ...]:
    return ("cohort", *(matrix.cohorts[0].by if matrix.cohorts else ()))


def _values(matrix: Matrix, cells: tuple[Cell, ...]) -> list[str | None]:
    from assay.report.format import show

    style = matrix.style
    return [
        None if each.value is None else f"{each.value:.0%}" if style == "percent" else show(each.value, style)
        for each in cells
    ]


def _summary(matrix: Matrix) -> str:
    from assay.report.format import show, show_difference

    found = matrix.summary
    if found is None:
        return ""

    def named(each: Cohort) -> str:
        return " ".join((show(each.on(found.day), matrix.style), "on", str(each.cohort), *each.by.values()))

    spread, iqr = (show_difference(each, matrix.style).lstrip("+") for each in (found.spread, found.iqr))
    return f"Day {found.day}: best {named(found.best)}, worst {named(found.worst)}; spread {spread}, quartiles {iqr}.\n"


def _csv(matrix: Matrix) -> str:
    """One line per cohort and day of life."""
    from assay.report.text import csv

    numbers = ("day", "value", "numerator", "denominator", "baseline", "low", "high")
    lines = [
        (
            each.cohort,
            *each.by.values(),
            each.size,
            each.flagged,
            *(getattr(cell, name) for name in numbers),
            cell.reason,
        )
        for each in matrix.cohorts
        for cell in each.cells
    ]
    return csv((*_names(matrix), "size", "flagged", *numbers, "note"), lines)


def _curves(matrix: Matrix) -> str:
    from assay.report.text import sparkline, table

    rows = [
        (each.cohort, *each.by.values(), each.size, sparkline([cell.value for cell in each.cells]))
        for each in matrix.cohorts
    ]
    return table((*_names(matrix), "size", "curve"), rows)


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

    lines = [
        (*name, sparkline([row.value for row in found]), _show(context, found[-1]))
        for name, found in _by_slice(rows).items()
    ]
    return table(("metric", "slice", "series", "last"), lines)


def _by_slice(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    series: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        series.setdefault((row.metric, " ".join(row.by.values())), []).append(row)
    return series


def _charts(context: Context, rows: list[Row]) -> str:
    """One below the other; click takes the bold type away where no terminal reads it."""
    from assay.report.columns import plot

    series, width, made = _by_slice(rows), shutil.get_terminal_size().columns, []
    for (name, value), found in list(series.items())[:CHARTS]:
        metric = context.catalog.metric(name)
        title = f"{metric.label} ({name})" + (f": {value}" if found[0].by else "")
        chart = plot(title, [(row.time, row.value) for row in found], metric.spec.format, width)
        made.append("\n".join([click.style(chart.head, bold=True), *chart.lines]) + "\n")
    left = len(series) - len(made)
    told = [f"… and {left} more series; ask for fewer, or use --format sparkline.\n"] if left else []
    return "\n".join([*made, *told])
