"""Experiments and incidents in plain words: from the mappings of the JSON contract to what a page shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
from assay.report.views import ExperimentView, MetricText

VERDICTS: Mapping[str, tuple[str, str, Tone]] = {
    "ship": ("Ship it", "The evidence supports a release.", "good"),
    "do_not_ship": ("Do not ship", "The evidence does not support a release.", "bad"),
    "keep_running": ("Keep running", "There is not enough evidence yet.", "flat"),
    "blocked": ("No verdict", "A validity check failed, so the effects below must not be acted on.", "bad"),
}
GATES: Mapping[str, tuple[str, Tone]] = {"pass": ("✓", "good"), "warn": ("!", "flat"), "fail": ("✕", "bad")}
QUESTIONS: Mapping[str, str] = {
    "srm": "Did units arrive as planned?",
    "crossovers": "Did units stay in one variant?",
    "exposure": "Were all variants exposed alike?",
    "pre_period": "Were the variants alike before?",
    "aa": "Is the test calm without an effect?",
    "distribution": "Did it act on all units alike?",
    "day_stability": "Is the effect the same every day?",
    "twyman": "Is the effect of a plausible size?",
    "covariates": "Is the past of the units known?",
}
EVERYONE = show_slice(None)


@dataclass(frozen=True, slots=True)
class Effect:
    """One result as a row of text, with its interval for the forest plot. `note` says what is missing, and why."""

    metric: str
    label: str
    role: str
    variant: str
    slice: str
    method: str
    values: str
    difference: str
    relative: str
    bounds: str
    pvalue: str
    adjusted: str
    units: str
    note: str
    interval: Interval

    @property
    def tone(self) -> Tone:
        return self.interval.tone


@dataclass(frozen=True, slots=True)
class Check:
    """A validity gate as a row of text: what passing means, a sign, a tone and a sentence."""

    name: str
    question: str
    status: str
    sign: str
    tone: Tone
    pvalue: str
    detail: str


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


def checks(experiment: ExperimentView) -> tuple[Check, ...]:
    """The gates in their order; an unknown one is shown by its name."""
    return tuple(_check(gate) for gate in experiment.readout["gates"])


def effects(experiment: ExperimentView) -> tuple[Effect, ...]:
    """The results in their order, each read with the format and the direction of good of its metric."""
    results = experiment.readout["results"]
    several = len({result["variant"] for result in results}) > 1
    return tuple(effect(result, experiment, several) for result in results)


def effect(result: Mapping[str, Any], experiment: ExperimentView, several: bool) -> Effect:
    """One result; its interval is the adjusted one, and its label names the variant where there are several."""
    metric, by = reading(experiment, result["metric"]), show_slice(result.get("slice"))
    title = joined(metric.label, "" if by == EVERYONE else by, _allowed(result), result["variant"] if several else "")
    interval = _interval(title, result, metric, experiment.readout["settings"]["alpha"])
    return Effect(
        metric=result["metric"],
        label=metric.label,
        role=result["role"],
        variant=result["variant"],
        slice=by,
        method=result["method"],
        values=f"{show(result['control'], metric.format)} → {show(result['treatment'], metric.format)}",
        difference=show_difference(result["difference"], metric.format),
        relative=show_signed(result["relative"]),
        bounds=_bounds(result, metric.format),
        pvalue=show_p(result["pvalue"]),
        adjusted=show_p(result["pvalue_adjusted"]),
        units=f"{show(result['n_control'])} / {show(result['n_treatment'])}",
        note="; ".join([*filter(None, [result.get("reason")]), *result.get("warnings", ())]),
        interval=_withheld(interval) if experiment.verdict == "blocked" else interval,
    )


def reading(experiment: ExperimentView, metric: str) -> MetricText:
    """How a metric reads; one without a definition reads by its name."""
    return experiment.metrics.get(metric) or MetricText(metric)


def joined(*parts: str) -> str:
    """The parts of a label that say something."""
    return " · ".join(part for part in parts if part)


def sliced(found: Iterable[Effect], whole: bool) -> tuple[Effect, ...]:
    """The effects on the whole population, or those on its slices."""
    return tuple(each for each in found if (each.slice == EVERYONE) == whole)


def causes(incident: Mapping[str, Any], style: Style) -> list[Cause]:
    """The slices that explain an incident, in the order given."""
    return [_cause(each, style) for each in incident.get("explained_by") or ()]


def expectation(incident: Mapping[str, Any], style: Style) -> str:
    """`298, expected 488 to 715`, or that nothing arrived."""
    value, low, high = incident.get("value"), incident.get("low"), incident.get("high")
    seen = show(value, style) if present(value) else "no data"
    return f"{seen}, expected {show(low, style)} to {show(high, style)}" if present(low) and present(high) else seen


def _check(gate: Mapping[str, Any]) -> Check:
    sign, light = GATES.get(gate["status"], ("?", "flat"))
    name, pvalue = gate["name"], gate["pvalue"]
    shown = show_p(pvalue) if present(pvalue) else ""
    return Check(name, QUESTIONS.get(name, name), gate["status"], sign, light, shown, gate["detail"])


def _withheld(interval: Interval) -> Interval:
    """What must not be acted on is neither good nor bad."""
    return replace(interval, tone="flat")


def _allowed(result: Mapping[str, Any]) -> str:
    margin = result.get("margin")
    return f"margin {show_signed(margin)}" if present(margin) else ""


def _bounds(result: Mapping[str, Any], style: Style) -> str:
    """The adjusted interval of the relative change, or of the difference where the control is zero."""
    low, high = result["adjusted_relative_low"], result["adjusted_relative_high"]
    if present(low) and present(high):
        return f"{show_signed(low)} to {show_signed(high)}"
    low, high = result["adjusted_low"], result["adjusted_high"]
    if present(low) and present(high):
        return f"{show_difference(low, style)} to {show_difference(high, style)}"
    return MISSING


def _interval(label: str, result: Mapping[str, Any], metric: MetricText, alpha: float) -> Interval:
    low, high = result["adjusted_relative_low"], result["adjusted_relative_high"]
    sure, value = _sure(result, alpha), result["relative"]
    judged: Tone = tone(value, metric.good) if sure else "flat"
    return Interval(label, value, low, high, judged, sure, result.get("margin"))


def _sure(result: Mapping[str, Any], alpha: float) -> bool:
    """Clearly not zero: by the interval of the difference that decides, and by its p-value where that is corrected."""
    low, high, pvalue = result["adjusted_low"], result["adjusted_high"], result["pvalue_adjusted"]
    outside = present(low) and present(high) and (low > 0 or high < 0)
    return outside and (not present(pvalue) or pvalue < alpha)


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
