"""Before an experiment: `design`, `power` and `aa`, all on the metric's own history."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common

if TYPE_CHECKING:
    from assay.jobs.experiments.aa import Replayed
    from assay.jobs.experiments.design import Designed
    from assay.jobs.experiments.power import Powered
    from assay.stats import CurvePoint, Design

_metric = click.option("--metric", help="One of the experiment's metrics (default: the first primary one).")


@click.command("design")
@click.argument("name")
@_metric
@click.option("--mde", type=float, help="The smallest effect worth finding, in the metric's unit.")
@click.option("--days", type=click.IntRange(1), help="Instead: what can be found in so many days?")
@common.format_option("text", "json")
@common.project_option
@common.command
def design(name: str, metric: str | None, mde: float | None, days: int | None, format: str, project: Path) -> None:
    """How many units and days the experiment NAME needs, or what it can find in the days it has."""
    from assay.jobs.experiments.design import design as run

    with common.session(project, show=False) as context:
        found = run(context, name, metric, mde, days)
    if format == "json":
        common.print_json(found.as_dict())
    else:
        click.echo(_designed(found))


@click.command("power")
@click.argument("name")
@_metric
@click.option("--effect", type=float, help="The effect to look for, in the metric's unit (default: design.mde).")
@click.option("--n", type=click.IntRange(2), help="Units of the control (default: what the history lets expect).")
@click.option("--simulations", type=click.IntRange(100), default=10_000, show_default=True)
@common.format_option("text", "json")
@common.project_option
@common.command
def power(
    name: str, metric: str | None, effect: float | None, n: int | None, simulations: int, format: str, project: Path
) -> None:
    """How often the experiment NAME would find an effect: simulated on the metric's own history."""
    from assay.jobs.experiments.power import power as run

    started = time.perf_counter()
    with common.session(project, show=False) as context:
        found = run(context, name, metric, effect, n, simulations)
    seconds = round(time.perf_counter() - started, 3)
    if format == "json":
        common.print_json(found.as_dict() | {"seconds": seconds})
    else:
        click.echo(_powered(found))


@click.command("aa")
@click.argument("name")
@_metric
@click.option("--replays", type=click.IntRange(100), default=10_000, show_default=True)
@common.format_option("text", "json")
@common.project_option
@common.command
def aa(name: str, metric: str | None, replays: int, format: str, project: Path) -> None:
    """Is the test of the experiment NAME honest on this metric? Replays without a treatment, on history."""
    from assay.jobs.experiments.aa import aa as run

    started = time.perf_counter()
    with common.session(project, show=False) as context:
        found = run(context, name, metric, replays)
    seconds = round(time.perf_counter() - started, 3)
    if format == "json":
        common.print_json(found.as_dict() | {"seconds": seconds})
    else:
        click.echo(_replayed(found))


def _designed(told: Designed) -> str:
    from assay.report.text import table

    found, own = told.found, told.found.baseline
    rows = [(f"{each.mde:.4g}", "–" if each.relative is None else f"{each.relative:+.1%}", f"{each.n_per_variant:,}",
             _days(each)) for each in found.curve]  # fmt: skip
    head = (
        f"{told.experiment}: {told.metric} is {own.mean:.4g}, its standard deviation {own.sd:.4g} per unit; "
        f"{own.n_per_day:,.0f} new units a day ({told.start} to {told.end})"
    )
    units = ", ".join(f"{name} {n:,}" for name, n in found.n.items())
    answer = (
        f"A change of {found.mde:.4g} is found with {found.power:.0%} power at alpha {found.alpha:g} "
        f"by {units}: {_days(found)} days."
    )
    note = "* more days than the history has: new units are assumed to come ever more rarely, as in its second half"
    parts = [head, answer, table(("effect", "relative", "units per variant", "days"), rows).rstrip()]
    return "\n\n".join(parts + [note] * any(each.extrapolated for each in found.curve))


def _days(found: Design | CurvePoint) -> str:
    return "never" if found.days is None else f"{found.days:,}{'*' if found.extrapolated else ''}"


def _powered(found: Powered) -> str:
    from assay.report.text import table

    told = found.as_dict()
    sizes = sorted({point["n"] for point in told["curve"]})
    effects = list(dict.fromkeys(point["effect"] for point in told["curve"]))
    by = {(point["effect"], point["n"]): point["power"] for point in told["curve"]}
    rows = [(f"{effect:.4g}", *(f"{by[effect, n]:.1%}" for n in sizes)) for effect in effects]
    units = ", ".join(f"{name} {n:,}" for name, n in found.n.items())
    head = (
        f"{found.experiment}: {found.metric} changes by {found.effect:.4g} with {units}: found in "
        f"{told['power']:.1%} of {told['simulations']:,} simulations ({told['power_analytic']:.1%} by the formula)"
    )
    return "\n\n".join([head, table(("effect", *(f"n = {n:,}" for n in sizes)), rows).rstrip()])


def _replayed(found: Replayed) -> str:
    from assay.report.text import table

    rows = [(f"{each.alpha:g}", f"{each.rate:.2%}", f"{each.low:.2%} … {each.high:.2%}") for each in found.found.levels]
    head = (
        f"{found.experiment}: {found.metric}, {found.units:,} units of {found.start} to {found.end}, "
        f"{found.found.replays:,} experiments without a treatment"
    )
    verdict = f"{found.found.verdict}: p-values are uniform with p = {found.found.ks_pvalue:.3g}"
    parts = [head, table(("alpha", "false positives", "99.9 % interval"), rows).rstrip(), verdict]
    return "\n\n".join([*parts, *found.found.causes])
