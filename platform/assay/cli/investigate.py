from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli import common

if TYPE_CHECKING:
    from assay.jobs.queries.investigation import Investigation


class Versus(click.ParamType[date | None]):
    """A date, or the word baseline."""

    name = "date|baseline"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date | None:
        return None if value == "baseline" else common.Day().convert(value, param, ctx)


@click.command("investigate")
@click.argument("metric")
@click.option("--on", type=common.Day(), required=True, help="The day to explain.")
@click.option(
    "--vs", type=Versus(), default="baseline", show_default=True, help="A day, or the same weekday of the last 4 weeks."
)
@common.format_option("text", "json")
@common.project_option
@common.command
def command(metric: str, on: date, vs: date | None, format: str, project: Path) -> None:
    """Find the slices that explain what METRIC did on a day."""
    from assay.jobs.queries.investigate import investigate

    with common.session(project, show=False) as context:
        found = investigate(context, metric, on, vs)
        if format == "json":
            common.print_json(found.as_dict())
        else:
            click.echo(_text(found))


def _text(found: Investigation) -> str:
    """A table of the metric and its segments, each inside the one before it, and the sentence."""
    from assay.report.format import show, show_change, show_signed
    from assay.report.text import table

    style = found.metric.spec.format
    rows = [(found.metric.label, show(found.before, style), show(found.after, style), _change(found), "", "")]
    for depth, each in enumerate(found.segments, start=1):
        values = (show(each.before, style), show(each.after, style), show_change(each.before, each.after))
        rows.append((f"{'  ' * depth}{each.name}", *values, show_signed(each.contribution), each.effect or ""))
    shown = table(("", "before", "after", "change", "of the change", "effect"), rows)
    return "\n".join([shown, *found.notes, found.summary])


def _change(found: Investigation) -> str:
    from assay.report.format import show_change

    return show_change(found.before, found.after)
