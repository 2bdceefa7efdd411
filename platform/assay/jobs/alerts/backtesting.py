"""`alert backtest` and `alert tune`: what a rule costs, now and as it was, and the threshold that fits a budget."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from assay import detect
from assay.config.alert import AlertSpec
from assay.config.base import show_duration
from assay.config.definitions import Definition
from assay.errors import CheckFailed, Diagnostic, UsageError
from assay.jobs.alerts import replay
from assay.jobs.alerts.findings import local
from assay.jobs.alerts.replay import POWER, Happened, Replayed, Seen
from assay.jobs.alerts.rule import Rule
from assay.jobs.changes import revision
from assay.jobs.context import Context

GRID = np.round(np.arange(2.0, 20.0 + 0.05, 0.05), 2)  # the thresholds that `tune` tries
_WINDOWS = [timedelta(hours=hours) for hours in (1, 2, 3, 4, 6, 8, 12, 24)]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """An alert now, and under the rule of a git `revision`; `why` there is no such rule to compare with."""

    now: Replayed
    revision: str = ""
    then: Replayed | None = None
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The contract of `alert backtest`."""
        then = self.then and _rates(self.then) | {"incidents": len(self.then.episodes)}
        against = {"revision": self.revision, "rule": then, "reason": self.why or None} if self.revision else None
        return described(self.now) | {"against": against}


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """The lowest threshold that sends at most `per_week` messages a week; with `reached` False, the highest one tried,
    and it still sends more."""

    per_week: float
    present: Replayed
    found: Replayed

    @property
    def reached(self) -> bool:
        return self.found.messages_per_week <= self.per_week

    @property
    def yaml(self) -> str:
        """The line to write into the alert."""
        spec = self.found.rule.spec.detector
        fields = {"type": spec.type} | spec.model_dump(mode="json", exclude_unset=True)
        fields |= {"threshold": round(self.found.threshold, 2)}
        return f"detector: {{{', '.join(f'{name}: {value}' for name, value in fields.items())}}}"

    def as_dict(self) -> dict[str, Any]:
        """The contract of `alert tune`."""
        found = described(self.found)
        kept = {name: found[name] for name in ("alert", "from", "to", "incidents", "visible_drop", "visible_in")}
        told = {"per_week": self.per_week, "threshold": self.found.threshold, "reached": self.reached}
        present = {"threshold": self.present.threshold} | _rates(self.present)
        return kept | told | _rates(self.found) | {"present": present, "yaml": self.yaml if self.reached else None}


def backtest(
    context: Context,
    names: Collection[str] = (),
    start: date | None = None,
    end: date | None = None,
    against: str | None = None,
) -> list[Compared]:
    """Replay alerts, all without names, over [start, end); with `against`, also as they were at a git revision.

    Rules are compared on the metrics, events and silences of today. Raises like `replay.replay`, and UsageError E604.
    """
    now = replay.replay(context, names, start, end)
    if against is None:
        return [Compared(each) for each in now]
    with revision.definitions(context.root, against) as (catalog, _):
        then = catalog.definitions.alerts
    lacking = {each.name: _lacking(context, then, each.name) for each in now}
    wanted = [name for name, why in lacking.items() if not why]
    span = now[0].range
    old = replay.replays(_reading(context, then), _known(context, then), wanted, span.start, span.end) if wanted else {}
    return [Compared(each, against, old.get(each.name), lacking[each.name]) for each in now]


def _known(context: Context, alerts: Mapping[str, Definition[AlertSpec]]) -> dict[str, Definition[AlertSpec]]:
    return {name: each for name, each in alerts.items() if not _lacking(context, alerts, name)}


def _lacking(context: Context, alerts: Mapping[str, Definition[AlertSpec]], name: str) -> str:
    """Why an old rule cannot be replayed with what is there today; empty if it can."""
    if name not in alerts:
        return "there was no such alert"
    catalog, spec = context.catalog, alerts[name].spec
    gone = [each for each in spec.metrics if each not in catalog.metrics]
    if gone:
        return f"the metric '{gone[0]}' is gone"
    sources = {source for each in spec.metrics for source in catalog.metric(each).sources}
    lost = [each for each in spec.by if any(each not in catalog.source(source).spec.dimensions for source in sources)]
    return f"the dimension '{lost[0]}' is gone" if lost else ""


def _reading(context: Context, alerts: Mapping[str, Definition[AlertSpec]]) -> Context:
    """The project with old alerts beside its own: slots are stored for what either of them reads."""
    definitions = context.catalog.definitions
    both = {**definitions.alerts, **{f"{name} before": each for name, each in _known(context, alerts).items()}}
    return replace(context, catalog=replace(context.catalog, definitions=replace(definitions, alerts=both)))


def tune(
    context: Context, name: str, per_week: float | None, start: date | None = None, end: date | None = None
) -> Tuned:
    """The lowest threshold from 2 to 20, in steps of 0.05, whose replay sends at most so many messages a week: the
    alert's budget when left out. By bisection, with the whole rule replayed for each threshold tried.

    Raises like `replay.replay`, and UsageError E601 for a detector without a threshold and when there is no budget.
    """
    rule = Rule(context, context.catalog.alert(name))
    budget = _budget(rule, per_week)
    others = replay.replays(context, context.catalog.definitions.alerts, rule.spec.inhibited_by, start, end)
    span = replay.range_of(rule, start, end)
    pasts = replay.read(rule, span)
    present = replay.replayed(span, pasts, others)

    def at(index: int) -> Replayed:
        return replay.replayed(span, [each.at(float(GRID[index])) for each in pasts], others)

    low, high, steps = 0, len(GRID) - 1, len(GRID).bit_length()
    while low < high:
        context.progress(steps - (high - low).bit_length(), steps, f"tune {name}")
        middle = (low + high) // 2
        low, high = (low, middle) if at(middle).messages_per_week <= budget else (middle + 1, high)
    context.progress(steps, steps, f"tune {name}")
    return Tuned(budget, present, at(low))


def _budget(rule: Rule, per_week: float | None) -> float:
    """Messages a week. Raises UsageError E601."""
    if "threshold" not in detect.parameters(rule.detector):
        raise UsageError.of(
            "E601", f"The detector {rule.detector} of '{rule.alert.name}' has no threshold.",
            why="Tuning finds the threshold that fits a budget.", fix="Change its bounds by hand, and backtest them.",
        )  # fmt: skip
    found = per_week or rule.spec.budget
    if found is None:
        raise UsageError.of(
            "E601", f"'{rule.alert.name}' has no budget.", why="Tuning needs to know how many messages are fine.",
            fix="Add --per-week 0.25, or 'budget:' to the alert.",
        )  # fmt: skip
    return found


def refused(found: Collection[Replayed]) -> CheckFailed | None:
    """What is wrong with replayed rules: E513 for those over their budget, E514 for those that see nothing."""
    over = [_over(each) for each in found if each.over_budget]
    blind = [_blind(each) for each in found if each.powerless]
    return CheckFailed(*over, *blind) if over or blind else None


def _over(found: Replayed) -> Diagnostic:
    name, budget = found.name, found.rule.spec.budget
    return Diagnostic(
        "E513",
        f"The alert '{name}' would send {found.messages_per_week:.2f} messages a week, its budget is {budget:g}.",
        "An alert that talks too much is not read any more.",
        f"Run 'platform alert tune {name}' for a threshold that fits, or raise 'budget:'.",
        found.rule.alert.at("budget"),
    )


def _blind(found: Replayed) -> Diagnostic:
    spec, metrics = found.rule.spec, ", ".join(found.powerless)
    window = spec.window or spec.every
    longer = next((each for each in _WINDOWS if each >= 4 * window), None)
    advice = f"Write a longer window, such as 'window: {show_duration(longer)}'" if longer else "Judge a larger metric"
    return Diagnostic(
        "E514",
        f"The alert '{found.name}' would not notice that {metrics} {_is(found)} lost {POWER:.0%}.",
        f"There are too few events in {show_duration(window)}: such a drop is within the noise.",
        f"{advice} (it is {show_duration(window)}).",
        found.rule.alert.at("window"),
    )


def _is(found: Replayed) -> str:
    return "has" if len(found.powerless) == 1 else "have"


def described(found: Replayed) -> dict[str, Any]:
    """Everything about one replay, as plain values."""
    return {
        "alert": found.name,
        "from": str(found.range.start),
        "to": str(found.range.end),
        "points": found.points,
        "weeks": found.weeks,
        "threshold": found.threshold,
        "incidents": [_episode(found.rule, each) for each in found.episodes],
        **_rates(found),
        "messages": {word: found.said[word] for word in ("fire", "update", "resolve", "correct")},
        "budget": found.rule.spec.budget,
        "over_budget": found.over_budget,
        "visible_in": show_duration(found.visible_in),
        "visible_drop": [_named(each) | {"drop": each.drop} for each in found.seen if not each.learning],
        "learning": [_named(each) for each in found.seen if each.learning],
        "without_power": list(found.powerless),
    }


def _rates(found: Replayed) -> dict[str, float]:
    return {
        "alerts_per_week": found.alerts_per_week,
        "messages_per_week": found.messages_per_week,
        "noise_per_metric_week": found.noise,
    }


def _named(each: Seen | Happened) -> dict[str, Any]:
    dimension, value = each.slice
    return {"metric": each.metric, "by": {dimension: value} if dimension else {}}


def _episode(rule: Rule, each: Happened) -> dict[str, Any]:
    start, end = (moment and local(rule, moment).isoformat() for moment in (each.since, each.until))
    more = {"about": each.about, "start": start, "end": end, "peak_deviation": each.peak, "change": each.change}
    return _named(each) | more | {"told": each.told, "quiet": list(each.quiet)}
