"""`forecast`: what comes next, how well that is known, and what came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli import common

if TYPE_CHECKING:
    from assay.forecast import Backtest, Choice
    from assay.jobs.forecasts.running import Refused
    from assay.jobs.forecasts.store import Run
    from assay.jobs.forecasts.task import Task
    from assay.jobs.forecasts.tracking import Tracked

_ERRORS = ("smape", "mape", "wmape", "mae", "rmsse", "mase")


@click.group("forecast")
def command() -> None:
    """Forecast metrics, and track what came."""


@command.command("run")
@click.argument("names", nargs=-1)
@common.until_option
@common.format_option("text", "json")
@common.project_option
@common.command
def run(names: tuple[str, ...], until: date | None, format: str, project: Path) -> None:
    """Forecast the next days of NAMES (all when left out): choose a model by backtest, fit it, publish.

    A model that does not beat the naive ones is withheld, unless the definition says publish: always.
    """
    from assay.jobs.forecasts import running

    with common.session(project, show=format == "text") as context:
        found = running.run(context, names, until)
    refused = [each for each in found if isinstance(each, running.Refused)]
    made = [each for each in found if not isinstance(each, running.Refused)]
    if format == "json":
        common.print_json({"forecasts": [each.as_dict() for each in found]})
    else:
        _print(["\n".join(_made(each)) for each in made], refused)
    _end(refused, format, project)


@command.command("backtest")
@click.argument("names", nargs=-1)
@common.until_option
@common.format_option("text", "json")
@common.project_option
@common.command
def backtest(names: tuple[str, ...], until: date | None, format: str, project: Path) -> None:
    """Compare the candidates of NAMES (all when left out) on days that they had not seen; nothing is stored."""
    from assay.jobs.forecasts import running

    with common.session(project, show=format == "text") as context:
        found = running.backtests(context, names, until)
    done = [each for each in found if isinstance(each, tuple)]
    refused = [each for each in found if isinstance(each, running.Refused)]
    if format == "json":
        told = [_compared(*each) if isinstance(each, tuple) else each.as_dict() for each in found]
        common.print_json({"forecasts": told})
    else:
        _print(["\n".join(_table(*each)) for each in done], refused)
    _end(refused, format, project)


@command.command("track")
@click.argument("name")
@common.format_option("text", "json")
@common.project_option
@common.command
def track(name: str, format: str, project: Path) -> None:
    """Compare what the forecast NAME said with what came."""
    from assay.jobs.forecasts import tracking

    with common.session(project, show=False) as context:
        found = tracking.track(context, name)
    if format == "json":
        common.print_json({"forecast": name, "runs": [each.as_dict() for each in found]})
    elif found:
        click.echo("\n".join(_tracked(found)))
    else:
        click.echo(f"Nothing of '{name}' is stored. Run: platform forecast run {name}")


def _print(texts: list[str], refused: Sequence[Refused]) -> None:
    if texts:
        click.echo("\n\n".join(texts))
    elif not refused:
        click.echo("No forecast is defined. Add one: platform new forecast NAME --metrics METRIC")


def _end(refused: Sequence[Refused], format: str, project: Path) -> None:
    """The mistakes, all at once, after what could be told."""
    if not refused:
        return
    if format == "json":
        raise click.exceptions.Exit(refused[0].error.exit_code)
    every = [diagnostic for each in refused for diagnostic in each.error.diagnostics]
    common.fail(type(refused[0].error)(*every), format, project)


def _made(made: Run) -> Iterator[str]:
    from assay.jobs.forecasts.running import told
    from assay.report.format import show

    yield f"{made.forecast}, {made.metric} from {made.made} on: {made.model}"
    if made.why:
        yield f"  {'warning' if made.published else 'withheld'}: {made.why}"
    level = f"{made.level:.0%}"
    from assay.report.text import table

    rows = [
        (f"{each.day:%Y-%m-%d %a}", show(each.mean), f"{show(each.low)} … {show(each.high)}") for each in made.points
    ]
    yield table(("day", "forecast", f"interval of {level}"), rows).rstrip()
    yield (
        f"{made.error.upper()} {told(made.error, made.score)} over {made.body['windows']} windows "
        f"({made.baseline} {told(made.error, made.baseline_score)}); "
        f"intervals of {level} held {made.coverage:.0%} of the days"
    )
    for name in made.body["unlearnt"]:
        yield f"'{name}' is ahead and has never been seen: it is not in these numbers"
    yield from _peak(made.body["peak"])


def _peak(peak: dict[str, Any] | None) -> Iterator[str]:
    from assay.report.format import show

    if peak:
        yield (
            f"P(any day above {show(peak['above'])}) = {peak['probability']:.1%}; the highest day is about "
            f"{show(peak['typical'])}, and in one of twenty cases above {show(peak['high'])}"
        )


def _compared(task: Task, tested: Backtest) -> dict[str, Any]:
    from assay.forecast import select
    from assay.jobs.forecasts.running import candidates

    choice = select(tested, task.spec.backtest.metric)
    return {
        "forecast": task.definition.name,
        "metric": task.days.metric,
        "made": str(task.days.end),
        "horizon": tested.horizon,
        "scheme": tested.scheme,
        "windows": [
            {"from": str(task.days.first + _days(each.stop)), "to": str(task.days.first + _days(each.end))}
            for each in tested.folds
        ],
        "candidates": candidates(tested),
        "chosen": choice.chosen.name,
        "error": choice.metric,
        "unseen": choice.unseen,
        "baseline": choice.baseline,
        "beaten": choice.beaten,
    }


def _table(task: Task, tested: Backtest) -> Iterator[str]:
    from assay.forecast import select
    from assay.jobs.forecasts.running import told
    from assay.report.text import table

    choice = select(tested, task.spec.backtest.metric)
    first, last = task.days.first + _days(tested.folds[0].stop), task.days.first + _days(tested.folds[-1].end)
    yield (
        f"{task.definition.name}, {task.days.metric}: {len(tested.folds)} windows of {tested.horizon} days, "
        f"{first} to {last}, {tested.scheme}"
    )
    ordered = sorted(tested.tested, key=lambda each: each.scores[choice.metric])
    rows = [
        (
            f"{'*' if each.candidate == choice.chosen else ' '} {each.candidate.name}",
            *(told(name, each.scores[name]) for name in _ERRORS),
            "" if each.failed else f"{each.coverage:.0%}",
            f"{each.seconds:.2f}",
        )
        for each in ordered
    ]
    yield table(("  model", *(name.upper() for name in _ERRORS), "covered", "seconds"), rows).rstrip()
    for each in tested.tested:
        if each.failed:
            yield f"{each.candidate.name} failed: {each.failed}"
    yield (
        f"* chosen: {_verdict(choice)}. On windows that did not choose the model: "
        f"{choice.metric.upper()} {told(choice.metric, choice.unseen)}"
    )


def _verdict(choice: Choice) -> str:
    if choice.chosen.name == choice.baseline:
        return "nothing beats it"
    return f"it {'beats' if choice.beaten else 'does not beat'} {choice.baseline}"


def _tracked(found: Sequence[Tracked]) -> Iterator[str]:
    from assay.jobs.forecasts.tracking import covered
    from assay.report.format import show_signed
    from assay.report.text import table

    rows = [
        (
            each.run.metric,
            str(each.run.made),
            each.run.model,
            "yes" if each.run.published else "withheld",
            f"{len(each.came)} of {len(each.run.points)}",
            "" if each.smape is None else f"{each.smape:.2%}",
            "" if each.bias is None else show_signed(each.bias),
            f"{each.inside} of {len(each.came)}" if each.came else "",
        )
        for each in found
    ]
    yield table(("metric", "made", "model", "published", "days came", "SMAPE", "bias", "inside"), rows).rstrip()
    inside, days = covered(found)
    if days:
        yield f"{inside} of {days} days ({inside / days:.0%}) lie inside intervals of {found[-1].run.level:.0%}"


def _days(count: int) -> Any:
    from datetime import timedelta

    return timedelta(days=count)
