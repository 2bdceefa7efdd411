"""What a read-out says, as plain sentences: chances, trends, power, slices, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from assay import stats
from assay.report.format import Style, present, show, show_day, show_difference, show_p
from assay.report.readout import reading
from assay.report.views import ExperimentView
from assay.stats.power import noncentrality, power_at

_SURE = 0.999  # beyond it, a chance is a bound


def beliefs(experiment: ExperimentView) -> tuple[str, ...]:
    """One sentence per primary effect for people who think in chances."""
    return tuple(_belief(experiment, each) for each in experiment.readout["bayes"])


def trend(course: Mapping[str, Any], style: Style, alpha: float) -> str:
    """Does the effect fade? `alpha`: the level at which a trend is told as one."""
    found = course["novelty"]
    if not present(found["pvalue"]):
        return f"Whether the effect fades cannot be told: {found['reason']}."
    first, last = (show_difference(found[name], style) for name in ("first", "last"))
    if found["pvalue"] >= alpha:
        return f"No clear trend over the days (p {show_p(found['pvalue'])})."
    word = "fades" if found["fading"] else "grows"
    more = "less" if found["fading"] else "more"
    said = f"The effect {word}, from {first} on the first day to {last} on the last (p {show_p(found['pvalue'])})"
    return f"{said}: expect {more} of it than its average."


def interaction(found: Mapping[str, Any], alpha: float) -> str:
    """Does the effect differ between the values of a dimension?"""
    name, pvalue = found["dimension"], found["pvalue_adjusted"]
    if not present(pvalue):
        return f"{name}: not tested, {found['reason'] or 'there is too little data'}."
    if pvalue >= alpha:
        return f"{name}: no sign that the effect differs (p {show_p(pvalue)})."
    odd = f", most of all for {found['odd']}" if found["odd"] else ""
    return f"{name}: the effect differs{odd} (p {show_p(pvalue)})."


def powers(experiment: ExperimentView) -> tuple[str, ...]:
    """What the units so far can find, and how long it takes to find what was worth finding (`mde`)."""
    return tuple(_power(experiment, each) for each in _primary(experiment) if each["se"])


def next_step(experiment: ExperimentView) -> str:
    """What to do now, in one sentence."""
    word, readout = experiment.verdict, experiment.readout
    if word == "blocked":
        failed = ", ".join(gate["name"] for gate in readout["gates"] if gate["status"] == "fail")
        return f"Do not act on the effects. Find out why this failed: {failed}; repair it and run the experiment again."
    if word == "ship":
        return f"Release {readout['variant'] or 'the variant'} to everyone."
    if word == "do_not_ship":
        return "Keep the control, and look at what got worse before the next attempt."
    return _wait(experiment)


def last_day(readout: Mapping[str, Any]) -> str:
    """The last planned day; windows are half-open."""
    return show_day(date.fromisoformat(readout["planned_end"]) - timedelta(days=1))


def size(value: float, style: Style) -> str:
    """A difference without its sign; shares differ by percentage points."""
    return show_difference(abs(value), style).lstrip("+")


def _belief(experiment: ExperimentView, belief: Mapping[str, Any]) -> str:
    found, label = belief["posterior"], reading(experiment, belief["metric"]).label
    if not present(found["chance_to_win"]):
        return f"{label}: no chance can be told, because {found['reason']}."
    said = f"{label}: {belief['variant']} is better with a chance of {_chance(found['chance_to_win'])}"
    loss = _loss(experiment, belief, found["expected_loss"])
    return f"{said}; releasing it costs {loss} on average over what may be true."


def _chance(share: float) -> str:
    if share > _SURE:
        return "over 99.9 %"
    return "under 0.1 %" if share < 1 - _SURE else show(share, "percent")


def _loss(experiment: ExperimentView, belief: Mapping[str, Any], loss: float) -> str:
    """An expected loss as a share of the control's level, or in the metric's unit where that is zero."""
    key = belief["metric"], belief["variant"]
    levels = {(each["metric"], each["variant"]): each["control"] for each in _primary(experiment)}
    level = levels.get(key)
    if not level:
        return size(loss, reading(experiment, belief["metric"]).format)
    share = loss / abs(level)
    return f"{_chance(share)} of the control's level" if share < 1 else f"{show(share)} times the control's level"


def _primary(experiment: ExperimentView) -> Iterator[Mapping[str, Any]]:
    return (each for each in experiment.readout["results"] if each["role"] == "primary" and not each["slice"])


def _power(experiment: ExperimentView, result: Mapping[str, Any]) -> str:
    readout, metric = experiment.readout, reading(experiment, result["metric"])
    wanted, alpha = readout["progress"]["power"], readout["settings"]["alpha"]
    found = noncentrality(wanted, alpha) * result["se"]
    units = result["n_control"] + result["n_treatment"]
    said = (
        f"{metric.label}, {result['variant']}: with {units:,} units a true change of "
        f"{size(found, metric.format)} is found with a probability of {show(wanted, 'percent')}."
    )
    mine = result in _designed(experiment)
    return f"{said} {_worth(experiment, result, experiment.mde)}" if mine and experiment.mde else said


def _designed(experiment: ExperimentView) -> list[Mapping[str, Any]]:
    """The results on the first primary metric, for which the size worth finding is declared."""
    found = list(_primary(experiment))
    return [each for each in found if each["se"] and each["metric"] == found[0]["metric"]]


def _worth(experiment: ExperimentView, result: Mapping[str, Any], mde: float) -> str:
    """The power for the change worth finding."""
    readout, style = experiment.readout, reading(experiment, result["metric"]).format
    reached = power_at(mde / result["se"], readout["settings"]["alpha"])
    said = f"The change worth finding, {size(mde, style)}, is found with {show(reached, 'percent')}"
    missing = _days_missing(experiment, result, mde) if experiment.verdict == "keep_running" else None
    return f"{said}; at the present pace {_days(missing)} would reach the design." if missing else f"{said}."


def _days_missing(experiment: ExperimentView, result: Mapping[str, Any], mde: float) -> int | None:
    """Days until a result is as sure as the design wanted, if units go on to arrive as they did; None if it is."""
    readout = experiment.readout
    progress, alpha = stats.Progress(**readout["progress"]), readout["settings"]["alpha"]
    needed = progress.units * (noncentrality(progress.power, alpha) * result["se"] / mde) ** 2
    return max(progress.days_missing(needed) or 0, 0) or None


def _wait(experiment: ExperimentView) -> str:
    readout = experiment.readout
    progress = stats.Progress(**readout["progress"])
    if not progress.ended:
        left = _days(progress.planned_days - progress.days)
        return f"Wait for the planned end, {last_day(readout)} ({left} to go)."
    mde = experiment.mde
    missing = [_days_missing(experiment, each, mde) or 0 for each in _designed(experiment)] if mde else []
    if any(missing):
        return f"The planned end has passed without proof: go on for about {_days(max(missing))}, or decide without it."
    return "The planned end has passed without proof: any effect is no larger than the intervals say."


def _days(count: int) -> str:
    return f"{count:,} more day{'' if count == 1 else 's'}"
