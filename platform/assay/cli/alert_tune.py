"""`alert tune`: the threshold that fits a budget."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common
from assay.cli.alert_backtest import closing, episodes, visible

if TYPE_CHECKING:
    from assay.jobs.alerts.backtesting import Tuned


@click.command("tune")
@click.argument("name")
@click.option(
    "--per-week", type=click.FloatRange(0, min_open=True), help="Messages a week (default: the alert's budget)."
)
@common.start_option
@common.end_option
@common.format_option("text", "json")
@common.project_option
@common.command
def command(
    name: str, per_week: float | None, start: date | None, end: date | None, format: str, project: Path
) -> None:
    """The threshold with which the alert NAME sends at most --per-week messages a week.

    The whole rule is replayed on the days [--from, --to), the last four weeks of the data when left out.
    """
    from assay.jobs.alerts.backtesting import tune

    with common.session(project, show=format == "text") as context:
        found = tune(context, name, per_week, start, end)
    if format == "json":
        common.print_json(found.as_dict())
    else:
        click.echo(_text(found))


def _text(tuned: Tuned) -> str:
    found, present = tuned.found, tuned.present
    head = f"{found.name}, {found.range.start} to {found.range.end}"
    now = f"threshold {present.threshold:g} now: {present.messages_per_week:.2f} messages a week"
    if not tuned.reached:
        told = (
            f"No threshold up to {found.threshold:g} sends at most {tuned.per_week:g} messages a week: "
            f"it would still be {found.messages_per_week:.2f}."
        )
        advice = "Ask for a larger 'min_change:', a longer 'window:' or another detector, or declare known events."
        return "\n".join([head, now, *episodes(found), told, advice])
    blind = f"With it, {', '.join(found.powerless)} must fall by more than 60 % to be noticed: if the episodes of the "
    blind += "range are real, choose days without them."
    then = f"threshold {found.threshold:g}: {closing(found)}"
    return "\n".join(
        [head, now, *episodes(found), *visible(found), then, *([blind] if found.powerless else []), "", tuned.yaml]
    )
