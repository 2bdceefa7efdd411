"""`alert backtest`: what alerts would have told of, and what they can see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common

if TYPE_CHECKING:
    from assay.jobs.alerts.backtesting import Compared
    from assay.jobs.alerts.replay import Happened, Replayed, Seen

_LISTED = 40  # episodes in a text; JSON has all of them
_WORST = 5  # slices whose visible drop is told


@click.command("backtest")
@click.argument("names", nargs=-1)
@common.start_option
@common.end_option
@click.option("--against", metavar="REV", help="Replay the rules of a git revision, too.")
@click.option("--fail-over-budget", is_flag=True, help="Exit with 5 for an alert over its budget, or without power.")
@common.format_option("text", "json")
@common.project_option
@common.command
def command(
    names: tuple[str, ...],
    start: date | None,
    end: date | None,
    against: str | None,
    fail_over_budget: bool,
    format: str,
    project: Path,
) -> None:
    """Replay the alerts NAMES (all when left out) on the days [--from, --to): the last four weeks of the data.

    Nothing is sent. What is missing of the stored slots is built.
    """
    from assay.jobs.alerts.backtesting import backtest, refused

    with common.session(project, show=format == "text") as context:
        found = backtest(context, names, start, end, against)
    wrong = refused([each.now for each in found])
    if format == "json":
        errors = {"errors": [each.as_dict() for each in wrong.diagnostics] if wrong else []}
        told = [each.as_dict() for each in found]
        common.print_json((told[0] if len(names) == 1 else {"alerts": told}) | errors)
    else:
        click.echo("\n\n".join(text(each) for each in found))
    if wrong and fail_over_budget:
        if format == "text":
            common.fail(wrong, format, project)
        raise click.exceptions.Exit(wrong.exit_code)
    if wrong and format == "text":
        click.echo("\n".join(f"warning  {each.code} {each.message} {each.fix}" for each in wrong.diagnostics), err=True)


def text(found: Compared) -> str:
    """One alert for a terminal: its episodes, what it can see, and a closing line."""
    now = found.now
    head = (
        f"{now.name}, {now.range.start} to {now.range.end}: {now.points:,} slots judged at threshold {now.threshold:g}"
    )
    return "\n".join([head, *episodes(now), *visible(now), *_learning(now), *_against(found), closing(now)])


def episodes(found: Replayed) -> list[str]:
    """A table of the last episodes."""
    from assay.report.text import table

    if not found.episodes:
        return ["no episodes"]
    rows = [_row(found, each) for each in found.episodes[-_LISTED:]]
    lines = table(("from", "to", "series", "change", "score", "told"), rows).rstrip().split("\n")
    hidden = len(found.episodes) - _LISTED
    return [*([f"… {hidden} earlier"] if hidden > 0 else []), *lines]


def _row(found: Replayed, each: Happened) -> tuple[str, ...]:
    from assay.jobs.alerts.findings import local
    from assay.report.format import show_signed

    since, until = local(found.rule, each.since), each.until and local(found.rule, each.until)
    return (
        f"{since:%Y-%m-%d %H:%M}",
        f"{until:%Y-%m-%d %H:%M}" if until else "still open",
        _named(each),
        "no data" if each.about == "no_data" else show_signed(each.change),
        "" if each.peak is None else f"{each.peak:+.1f}",
        "yes" if each.told else f"no: {'; '.join(map(_reason, each.quiet))}",
    )


def _reason(quiet: str) -> str:
    return "its total fires" if quiet == "parent" else quiet


def visible(found: Replayed) -> Iterator[str]:
    """The smallest drop that is seen in each total, and in the slices that see best."""
    from assay.config.base import show_duration

    known = [each for each in found.seen if not each.learning]
    shown = [each for each in known if not each.slice[0]]
    slices = sorted((each for each in known if each.slice[0] and each.drop), key=lambda each: each.drop or 0.0)
    shown += slices[:_WORST]
    if shown:
        told = "; ".join(f"{_named(each)} {'none' if each.drop is None else f'{each.drop:.0%}'}" for each in shown)
        more = f" and {len(slices) - _WORST} slices with larger ones" if len(slices) > _WORST else ""
        yield f"smallest visible drop in {show_duration(found.visible_in)}: {told}{more}"
    blind = sum(bool(each.slice[0]) and each.drop is None for each in known)
    if blind:
        yield f"{blind} slices are too small: even of total losses, fewer than 80 % are seen as fast"


def _named(each: Seen | Happened) -> str:
    dimension, value = each.slice
    return each.metric + (f", {dimension} {value}" if dimension else "")


def _learning(found: Replayed) -> Iterator[str]:
    many = sum(each.learning for each in found.seen)
    if many:
        yield f"{many} series {'is' if many == 1 else 'are'} learning: they have too little history"


def _against(found: Compared) -> Iterator[str]:
    if found.then:
        yield f"at {found.revision}: {_rates(found.then)}, {len(found.then.episodes)} episodes"
    elif found.revision:
        yield f"at {found.revision}: {found.why}"


def closing(found: Replayed) -> str:
    """What it costs."""
    budget = found.rule.spec.budget
    limit = "" if budget is None else f" (budget {budget:g}{', exceeded' if found.over_budget else ''})"
    return f"{_rates(found)}{limit}, {found.noise:.2f} episodes a week of one series"


def _rates(found: Replayed) -> str:
    return f"{found.alerts_per_week:.2f} alerts and {found.messages_per_week:.2f} messages a week"
