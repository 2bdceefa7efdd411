"""What an investigation found, as a record and in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from assay.catalog.catalog import Metric
from assay.compiler.investigate import PART
from assay.detect.standout import Effect
from assay.report.format import change

_SURE = 0.005  # a share of the change this near to 100 % is all of it


@dataclass(frozen=True, slots=True)
class Segment:
    """Slices that explain a change: `by` dimension the values, inside the segment before it.

    `before` and `after`: their total or ratio; `contribution`: their share of the metric's change, over 1 if the rest
    moved against it; `effect` of a ratio: their own ratio moved, or their share of the denominator.
    """

    by: Mapping[str, tuple[str, ...]]
    before: float | None
    after: float | None
    contribution: float | None
    effect: Effect | None
    against: bool

    @property
    def name(self) -> str:
        """The newest dimension and its values: city Moscow and Perm."""
        *_, (dimension, values) = self.by.items()
        return _listed(values) if dimension == PART else f"{dimension.replace('_', ' ')} {_listed(values)}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "by": {name: list(values) for name, values in self.by.items()},
            "before": self.before,
            "after": self.after,
            "contribution": self.contribution,
            "change": change(self.before, self.after),
            "effect": self.effect,
        }


@dataclass(frozen=True, slots=True)
class Investigation:
    """The change of a metric on a day, and what explains it: each segment lies inside the one before it.

    `versus` is None for the baseline; `looked_at` counts slices; `notes` say what could not be looked at, and why.
    """

    metric: Metric
    on: date
    versus: date | None
    before: float
    after: float
    segments: tuple[Segment, ...]
    looked_at: int
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric.name,
            "on": str(self.on),
            "versus": str(self.versus or "baseline"),
            "before": self.before,
            "after": self.after,
            "change": change(self.before, self.after),
            "segments": [each.as_dict() for each in self.segments],
            "looked_at": self.looked_at,
            "notes": list(self.notes),
            "summary": self.summary,
        }

    @property
    def summary(self) -> str:
        """One plain sentence."""
        moved = f"{self.metric.label} {_moved(change(self.before, self.after))} on {self.on}"
        if not self.segments:
            return f"Nothing stands out: {moved}, and no slice moved apart from the rest."
        first, *inner = self.segments
        return f"{moved}, {_carried(first)}{''.join(map(_inside, inner))}."


def _moved(share: float | None) -> str:
    if share is None:
        return "changed"
    percent = f"{abs(share):.{0 if abs(share) >= 0.0995 else 1}%}".replace("%", " %")
    return f"{'rose' if share > 0 else 'fell'} by {percent}" if abs(share) >= 0.0005 else "did not change"


def _carried(segment: Segment) -> str:
    if segment.against or segment.contribution is None:
        return f"but {segment.name} {_moved(change(segment.before, segment.after))} against the rest"
    how = {None: "", "rate": ", by its own ratio", "mix": ", by its share alone"}[segment.effect]
    return f"and {_share(segment.contribution)} of it is {segment.name}{how}"


def _share(share: float) -> str:
    if share > 1 + _SURE:
        return "more than all"
    return "all" if share > 1 - _SURE else f"{share:.0%}".replace("%", " %")


def _inside(segment: Segment) -> str:
    *_, dimension = segment.by
    return f"; {segment.name}" if dimension == PART else f"; there mostly {segment.name}"


def _listed(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} and {values[-1]}"
