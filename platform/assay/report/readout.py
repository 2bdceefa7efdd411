"""Experiments and incidents in plain words: from the mappings of the JSON contract to what a page shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.report.charts import Interval
from assay.report.format import (
    MISSING,
    Style,
    Tone,
    change,
    present,
    show,
    show_difference,
    show_p,
    show_signed,
    show_slice,
    tone,
)
from assay.report.views import ExperimentView, MetricView

VERDICTS: Mapping[str, tuple[str, str, Tone]] = {
    "ship": ("Ship it", "The evidence supports a release.", "good"),
    "do_not_ship": ("Do not ship", "The evidence does not support a release.", "bad"),
    "keep_running": ("Keep running", "There is not enough evidence yet.", "flat"),
    "blocked": ("No verdict", "A validity check failed, so the effects below must not be acted on.", "bad"),
}
GATES: Mapping[str, tuple[str, Tone]] = {"pass": ("✓", "good"), "warn": ("!", "flat"), "fail": ("✕", "bad")}


@dataclass(frozen=True, slots=True)
class Effect:
    """One result as a row of text, with its interval for the forest plot."""

    metric: str
    label: str
    role: str
    variant: str
    slice: str
    method: str
    difference: str
    relative: str
    bounds: str
    pvalue: str
    adjusted: str
    units: str
    interval: Interval

    @property
    def tone(self) -> Tone:
        return self.interval.tone


@dataclass(frozen=True, slots=True)
class Cause:
    """A slice that explains an incident: its share of the change, and its values before and after."""

    slice: str
    share: str
    width: float
    before: str
    after: str
    change: str


def verdict(experiment: ExperimentView) -> tuple[str, str, Tone]:
    """Headline, one plain sentence and tone; an unknown verdict is shown as it is."""
    return VERDICTS.get(experiment.verdict, (experiment.verdict, "", "flat"))


def effects(experiment: ExperimentView, metrics: Mapping[str, MetricView]) -> list[Effect]:
    """The results in their order, each read with the format and the direction of good of its metric."""
    several = len({result["variant"] for result in experiment.results}) > 1
    return [_effect(result, metrics.get(result["metric"]), several) for result in experiment.results]


def sliced(found: Iterable[Effect], whole: bool) -> list[Effect]:
    """The effects on the whole population, or those on its slices."""
    return [effect for effect in found if (effect.slice == "everyone") == whole]


def causes(incident: Mapping[str, Any], style: Style) -> list[Cause]:
    """The slices that explain an incident, in the order given."""
    return [_cause(each, style) for each in incident.get("explained_by") or ()]


def expectation(incident: Mapping[str, Any], style: Style) -> str:
    """`298, expected 488 to 715`, or that nothing arrived."""
    value, low, high = incident.get("value"), incident.get("low"), incident.get("high")
    seen = show(value, style) if present(value) else "no data"
    return f"{seen}, expected {show(low, style)} to {show(high, style)}" if present(low) and present(high) else seen


def _effect(result: Mapping[str, Any], metric: MetricView | None, several: bool) -> Effect:
    style: Style = metric.format if metric else "number"
    label, by = metric.label if metric else result["metric"], show_slice(result.get("slice"))
    bounds = (result.get("relative_low"), result.get("relative_high"))
    return Effect(
        metric=result["metric"],
        label=label,
        role=result["role"],
        variant=result["variant"],
        slice=by,
        method=result["method"],
        difference=show_difference(result["difference"], style),
        relative=show_signed(result.get("relative")),
        bounds=_bounds(*bounds),
        pvalue=show_p(result["pvalue"]),
        adjusted=show_p(result["pvalue_adjusted"]),
        units=f"{show(result['n_control'])} / {show(result['n_treatment'])}",
        interval=Interval(_row(label, by, result["variant"] if several else ""), *_interval(result, metric)),
    )


def _bounds(low: float | None, high: float | None) -> str:
    return f"{show_signed(low)} to {show_signed(high)}" if present(low) and present(high) else MISSING


def _row(label: str, by: str, variant: str) -> str:
    parts = (label, "" if by == "everyone" else by, variant)
    return " · ".join(part for part in parts if part)


def _interval(result: Mapping[str, Any], metric: MetricView | None) -> tuple[Any, Any, Any, Tone]:
    value, low, high = (result.get(name) for name in ("relative", "relative_low", "relative_high"))
    if not (present(value) and present(low) and present(high)):
        return None, None, None, "flat"
    certain = low > 0 or high < 0
    return value, low, high, tone(value, metric.good) if certain and metric else "flat"


def _cause(cause: Mapping[str, Any], style: Style) -> Cause:
    share, before, after = cause.get("share"), cause.get("before"), cause.get("after")
    return Cause(
        slice=show_slice(cause["by"]),
        share=show(share, "percent"),
        width=100 * min(abs(share), 1.0) if present(share) else 0.0,
        before=show(before, style),
        after=show(after, style),
        change=show_signed(change(before, after)),
    )
