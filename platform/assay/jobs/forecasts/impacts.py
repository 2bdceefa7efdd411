"""`impact`: what a dated event did to a stored series, with the checks that keep the answer honest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import numpy as np

from assay.catalog.catalog import Metric
from assay.catalog.meaning import meaning
from assay.catalog.series import ratio_parts
from assay.config.definitions import Definition
from assay.config.forecast import ImpactSpec
from assay.errors import UsageError, WarehouseError
from assay.forecast.impact import Differences, Impact, Synthetic, differences, impact, synthetic_control
from assay.forecast.impact.differences import LEAST_UNITS
from assay.jobs.context import Context
from assay.jobs.forecasts import daily
from assay.jobs.forecasts.daily import Bools, Daily, Floats
from assay.jobs.forecasts.regressors import coverage, relevant
from assay.jobs.storage import builds
from assay.statement import Insert, Statement

_DAY = timedelta(days=1)
_SHOWN = timedelta(days=14)  # after the days that count, for the eye


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What is compared over the same days; `treated` is NaN on days of other events, which are `left_out`.

    `beside`: other events in the days that count. `units` and `others`: the single values of the dimension, for methods
    that need many.
    """

    treated: Daily
    start: int
    controls: dict[str, Floats]
    units: tuple[Floats, ...]
    others: tuple[Floats, ...]
    left_out: tuple[str, ...]
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Estimated:
    """An impact. `many`: by difference in differences, `mix`: by synthetic control; None where there is no room.

    `shares`: the metric divides, so that days cannot be added.
    `after`: the days after those that count, as far as they are stored, for the eye.
    """

    definition: Definition[ImpactSpec]
    start: date
    end: date
    material: Material
    impact: Impact
    many: Differences | None
    mix: Synthetic | None
    shares: bool
    after: Floats

    @property
    def seen(self) -> date:
        """The first day that was learnt from."""
        return self.material.treated.first

    def as_dict(self) -> dict[str, Any]:
        """The contract of `impact`."""
        found, spec = self.impact, self.definition.spec
        effect = found.effect
        days = [
            {"day": str(self.start + at * _DAY), "value": _plain(value), "expected": _plain(expected),
             "effect": _plain(one), "low": _plain(low), "high": _plain(high)}
            for at, (value, expected, one, low, high) in enumerate(zip(
                self.material.treated.values[self.material.start:], effect.expected, effect.days, effect.low,
                effect.high, strict=True))
        ]  # fmt: skip
        relative = effect.relative if np.isfinite(effect.relative.value) else None
        return {
            "impact": self.definition.name,
            "metric": spec.metric,
            "match": {name: list(values) for name, values in spec.match.items()},
            "from": str(self.start),
            "to": str(self.end),
            "history": str(self.seen),
            "controls": list(self.material.controls),
            "left_out": list(self.material.left_out),
            "beside": list(self.material.beside),
            "trust": found.trust,
            "reasons": list(found.reasons),
            "found": bool(found.found),
            "visible": _plain(found.visible),
            "relative": relative and {"value": relative.value, "low": relative.low, "high": relative.high},
            "cumulative": _interval(effect.cumulative),
            "average": _interval(effect.average),
            "pvalue": effect.pvalue,
            "placebos": {
                "in_time": {"pvalue": found.time.pvalue, "effects": [_plain(each) for each in found.time.effects]},
                "in_space": {"pvalue": found.space.pvalue, "effects": [_plain(each) for each in found.space.effects]},
            },
            "holdout": {
                "passed": bool(found.held_out.passed), "coverage": _plain(found.held_out.coverage),
                "mape": _plain(found.held_out.mape), "naive_mape": _plain(found.held_out.naive_mape),
            },
            "second": found.second and {"relative": found.second.relative, "disagrees": bool(found.second.disagrees)},
            "differences": self.many and {
                "effect": self.many.effect, "low": self.many.low, "high": self.many.high, "pvalue": self.many.pvalue,
                "leads_pvalue": self.many.leads_pvalue, "relative": spec.scale == "relative",
            },
            "synthetic": self.mix and {
                "relative": self.mix.relative, "fit": self.mix.fit, "pvalue": self.mix.pvalue,
            },
            "course": [
                {"day": str(self.seen + at * _DAY), "value": _plain(value)}
                for at, value in enumerate([*self.material.treated.values, *self.after])
            ],
            "days": days,
        }  # fmt: skip


def estimate(context: Context, name: str) -> Estimated:
    """Estimate and store one impact.

    Raises UsageError E201 for an unknown name, E302 or E601 for parts that do not fit together, W601 for too few days,
    WarehouseError E511 for days that are not built.
    """
    definition = context.catalog.impact(name)
    spec, metric = definition.spec, context.catalog.metric(definition.spec.metric)
    start, end = _dates(context, spec)
    found = _material(context, definition, metric, start, end)
    controls = np.column_stack(list(found.controls.values())) if found.controls else None
    result = impact(
        found.treated.values, controls, found.start, second=spec.second, log=spec.scale == "relative",
        season=spec.season, prior=spec.prior, seed=context.seed,
    )  # fmt: skip
    shares = ratio_parts(metric.series) is not None
    after = _after(context, spec, metric, end)
    done = Estimated(definition, start, end, found, result, _many(found, spec), _mix(found), shares, after)
    _keep(context, done, metric)
    return done


def _dates(context: Context, spec: ImpactSpec) -> tuple[date, date]:
    """The days [start, end) that count; an event that begins or ends within a day counts the whole day."""
    if spec.event is None:
        assert spec.start is not None, "a start or an event"
        assert spec.end is not None, "a start has an end"
        return spec.start, spec.end
    event = context.catalog.definitions.events[spec.event].spec
    whole = event.end if event.end.time() == time() else event.end + _DAY
    return event.start.date(), spec.end or whole.date()


def _material(context: Context, definition: Definition[ImpactSpec], metric: Metric, start: date, end: date) -> Material:
    spec = definition.spec
    first, stored = daily.stored(context, metric)
    stored = min(stored, context.today)
    if first >= start:
        raise UsageError.of(
            "W601", f"No day before {start} is stored: '{metric.name}' begins on {first}.",
            why="What would have come is learnt from the days before the event.",
            fix=f"Run: platform run --from {start - spec.before} --to {first}",
        )  # fmt: skip
    if stored < end:
        raise UsageError.of(
            "W601", f"The days of '{definition.name}' up to {end} are not stored yet: they end before {stored}.",
            why="An effect is judged on the days of the event.", fix="Wait until they are over, and run: platform run",
        )  # fmt: skip
    begin = max(first, start - spec.before)
    treated, units, others = _treated(context, spec, metric, begin, end)
    left_out, treated = _without_others(context, spec, metric, treated, start)
    beside = tuple(_events(context, spec, metric, start, (end - start).days))
    lead = int(np.argmax(~np.isnan(treated.values)))
    controls = _controls(context, spec, begin, end) | others
    _require_whole(definition.name, controls)
    return Material(
        Daily(metric.name, begin + lead * _DAY, treated.values[lead:]),
        (start - begin).days - lead,
        {name: values[lead:] for name, values in controls.items()},
        tuple(each[lead:] for each in units),
        tuple(values[lead:] for values in others.values()),
        left_out,
        beside,
    )


def _treated(
    context: Context, spec: ImpactSpec, metric: Metric, begin: date, end: date
) -> tuple[Daily, list[Floats], dict[str, Floats]]:
    """The treated series, its single values, and the largest other values of the dimension by name."""
    whole = _whole(context, spec, metric, begin, end)
    if not spec.control_slices:
        return whole, [], {}
    ((by, values),) = spec.match.items()
    every = daily.sliced(context, metric, by, None, begin, end)
    units = [every[value].values for value in values if value in every]
    left = [value for value in every if value not in values and _fits(every[value].values, spec)][: spec.control_slices]
    return whole, units, {f"{metric.name}, {by} {value}": every[value].values for value in left}


def _whole(context: Context, spec: ImpactSpec, metric: Metric, begin: date, end: date) -> Daily:
    """The values in `match` as one series, or the total."""
    if not spec.match:
        return daily.read(context, metric, begin, end)
    ((by, values),) = spec.match.items()
    return daily.together(context, metric, by, values, begin, end)


def _after(context: Context, spec: ImpactSpec, metric: Metric, end: date) -> Floats:
    stop = min(end + _SHOWN, daily.stored(context, metric)[1])
    return _whole(context, spec, metric, end, stop).values if stop > end else np.zeros(0)


def _fits(values: Floats, spec: ImpactSpec) -> bool:
    """Whether a slice can be a control: it has a value on every day, above 0 where effects are percentages."""
    return bool(np.all(np.isfinite(values)) and (spec.scale == "absolute" or np.all(values > 0)))


def _controls(context: Context, spec: ImpactSpec, begin: date, end: date) -> dict[str, Floats]:
    """Other metrics, of the same values of the dimension."""
    metrics = [context.catalog.metric(name) for name in spec.controls]
    return {each.name: _whole(context, spec, each, begin, end).values for each in metrics}


def _without_others(
    context: Context, spec: ImpactSpec, metric: Metric, treated: Daily, start: date
) -> tuple[tuple[str, ...], Daily]:
    """The treated series without the days of other events before this one: they were not ordinary."""
    hit = _events(context, spec, metric, treated.first, (start - treated.first).days)
    values = treated.values.copy()
    for share in hit.values():
        values[: len(share)][share > 0] = np.nan
    return tuple(hit), replace(treated, values=values)


def _events(context: Context, spec: ImpactSpec, metric: Metric, first: date, days: int) -> dict[str, Floats]:
    """Other events about the metric on some days from `first` on: which share of each day they cover."""
    others = [each for each in relevant(context, metric) if each.name != spec.event]
    shares = {each.name: coverage([each.spec], first, days) for each in others}
    return {name: share for name, share in shares.items() if share.any()}


def _require_whole(name: str, controls: dict[str, Floats]) -> None:
    for control, values in controls.items():
        if not np.all(np.isfinite(values)):
            raise UsageError.of(
                "W601", f"The control '{control}' of '{name}' has days without a value.",
                why="A control says what every day would have been.",
                fix="Choose another control, or fewer days before: before: 28d",
            )  # fmt: skip


def _many(found: Material, spec: ImpactSpec) -> Differences | None:
    """Difference in differences where both groups have units enough."""
    if min(len(found.units), len(found.others)) < LEAST_UNITS:
        return None
    values = np.vstack([*found.units, *found.others])
    if not np.all(np.isfinite(values)):
        return None
    treated = np.arange(len(values)) < len(found.units)
    if spec.scale == "relative" and np.all(values > 0):
        return differences(values, treated, found.start)
    scaled = _as_shares(values, treated, found.start) if spec.scale == "relative" else values
    return differences(scaled, treated, found.start, log=False)


def _as_shares(values: Floats, treated: Bools, start: int) -> Floats:
    """Each unit's days as shares of its own usual day, and of what the untreated ones came to after `start`.

    A day with nothing has no log, and amounts of unlike units have no common size. The difference of these is the
    relative effect, with the interval that it has where there is no effect.
    """
    shares = values / values[:, :start].mean(axis=1, keepdims=True)
    return np.asarray(shares / shares[~treated, start:].mean())


def _mix(found: Material) -> Synthetic | None:
    """Synthetic control where there are controls enough and no day is missing."""
    if len(found.controls) < 2 or np.any(np.isnan(found.treated.values)):
        return None
    return synthetic_control(found.treated.values, np.column_stack(list(found.controls.values())), found.start)


def _keep(context: Context, done: Estimated, metric: Metric) -> None:
    """Store what was found; the same findings are one row."""
    builds.prepare(context)
    told = done.as_dict()
    body = json.dumps(told, sort_keys=True, allow_nan=False)
    run = blake2b(body.encode(), digest_size=8).hexdigest()
    relative, cumulative = told["relative"] or {}, told["cumulative"]
    row = {
        "impact": done.definition.name, "run": run, "at": context.now, "metric": metric.name,
        "trust": done.impact.trust, "found": bool(done.impact.found),
        "relative": relative.get("value"), "relative_low": relative.get("low"), "relative_high": relative.get("high"),
        "cumulative": cumulative["value"], "cumulative_low": cumulative["low"], "cumulative_high": cumulative["high"],
        "pvalue": done.impact.effect.pvalue, "meaning": meaning([metric]), "seed": context.seed,
        "version": version("assay-platform"), "body": body,
    }  # fmt: skip
    columns = {name: [value] for name, value in row.items()}
    table = f"{context.database}.impact_results"
    context.engine.run(Insert(table, columns, "store an impact", f"{run}:{context.now.isoformat()}"))


def latest(context: Context, name: str) -> dict[str, Any] | None:
    """What was last found, in the contract of `impact`; None before the first time."""
    sql = f"""SELECT body FROM {context.database}.impact_results FINAL
WHERE impact = {{impact:String}} ORDER BY at DESC LIMIT 1"""  # noqa: S608 - a checked name
    try:
        rows = context.engine.run(Statement(sql, "read an impact", {"impact": name})).rows
    except WarehouseError as error:
        if error.diagnostics[0].code != "E506":  # nothing was ever stored here
            raise
        return None
    return json.loads(rows[0][0]) if rows else None


def _interval(estimate: Any) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def names(context: Context, asked: Sequence[str]) -> list[str]:
    """The impacts that are asked for, all without names. Raises UsageError E201 for an unknown one."""
    return [context.catalog.impact(name).name for name in asked] or list(context.catalog.definitions.impacts)
