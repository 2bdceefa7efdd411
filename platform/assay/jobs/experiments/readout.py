"""What an experiment says, as one record: the JSON contract, the report and the history are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from assay.stats import Effect, Gate, Novelty, Posterior, Progress, Result, Verdict

PATH = "units from"  # the setting that tells the way to the numbers; the numbers do not depend on it


@dataclass(frozen=True, slots=True)
class Found:
    """A result, where it was read: `slice` is dimension → value, None for everyone."""

    result: Result
    correction: str
    slice: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        result = self.result
        found = {"metric": result.metric, "role": result.role, "variant": result.variant, "slice": self.slice}
        found |= asdict(result.effect) | {"warnings": list(result.effect.warnings)}
        extra = {"pvalue_adjusted": result.pvalue_adjusted, "correction": self.correction}
        wide = result.judged
        ends = {"adjusted_low": wide.low, "adjusted_high": wide.high}
        ends |= {"adjusted_relative_low": wide.relative_low, "adjusted_relative_high": wide.relative_high}
        return found | extra | ends | {"margin": result.margin, "good": result.good}


@dataclass(frozen=True, slots=True)
class Interaction:
    """Whether the effect on a metric differs between the values of a dimension; `odd` stands out most."""

    metric: str
    variant: str
    dimension: str
    pvalue: float | None
    pvalue_adjusted: float | None
    odd: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Point:
    """One day: everything up to its end with a plain interval and with the band of the sequential rule, and it alone.

    All differences are in the metric's unit; `units` are those exposed by the end of the day.
    """

    day: str
    units: int
    difference: float | None
    low: float | None
    high: float | None
    band_low: float | None
    band_high: float | None
    pvalue: float | None
    stopped: bool
    alone: float | None
    alone_low: float | None
    alone_high: float | None


@dataclass(frozen=True, slots=True)
class Course:
    """How an effect went on from day to day. Without a declared rule the band is that of a confidence sequence."""

    metric: str
    variant: str
    rule: str
    points: tuple[Point, ...]
    novelty: Novelty


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The same question to another method, without covariates."""

    metric: str
    variant: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class Belief:
    """The Bayesian view of one effect."""

    metric: str
    variant: str
    posterior: Posterior


@dataclass(frozen=True, slots=True)
class Shape:
    """How a quotient is spread over units: `edges` in the metric's unit, and the share of units per bin and variant."""

    metric: str
    edges: tuple[float, ...]
    shares: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Readout:
    """What an experiment says from `start` to before `until`; it was planned to go on to `end`.

    `units` are per variant, without those seen in more than one. `found` are the results on everyone, `slices` those on
    parts. What follows them explains and does not decide.
    """

    experiment: str
    start: str
    end: str
    until: str
    units: Mapping[str, int]
    gates: tuple[Gate, ...]
    found: tuple[Found, ...]
    slices: tuple[Found, ...]
    verdict: Verdict
    progress: Progress
    interactions: tuple[Interaction, ...]
    courses: tuple[Course, ...]
    sensitivity: tuple[Sensitivity, ...]
    beliefs: tuple[Belief, ...]
    shapes: tuple[Shape, ...]
    settings: Mapping[str, Any]
    hashes: Mapping[str, str]
    sql: tuple[str, ...]

    @property
    def alpha(self) -> float:
        return float(self.settings["alpha"])

    @property
    def path(self) -> str | None:
        """From where the units come, and why; None where no source stores days of them."""
        return self.settings.get(PATH)

    @property
    def seed(self) -> int:
        return int(self.settings["seed"])

    @property
    def results(self) -> tuple[Result, ...]:
        """The results on everyone."""
        return tuple(each.result for each in self.found)

    def as_dict(self) -> dict[str, Any]:
        """The contract of `experiment analyze`."""
        return {
            "schema": 1,
            "experiment": self.experiment,
            "window": {"from": self.start, "to": self.until},
            "planned_end": self.end,
            "units": dict(self.units),
            "gates": [asdict(gate) for gate in self.gates],
            "results": [each.as_dict() for each in (*self.found, *self.slices)],
            "verdict": self.verdict.verdict,
            "variant": self.verdict.variant,
            "reasons": list(self.verdict.reasons),
            "progress": asdict(self.progress),
            "interactions": [asdict(each) for each in self.interactions],
            "courses": [asdict(each) for each in self.courses],
            "sensitivity": [asdict(each) for each in self.sensitivity],
            "bayes": [asdict(each) for each in self.beliefs],
            "distributions": [asdict(each) for each in self.shapes],
            "settings": dict(self.settings),
            "hashes": dict(self.hashes),
        }
