"""What an experiment says, as one record: the JSON contract, the report and the history are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from assay.stats import Gate, Result, Verdict


@dataclass(frozen=True, slots=True)
class Found:
    """A result, where it was read: `slice` is dimension → value, None for everyone."""

    result: Result
    correction: str
    slice: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        result = self.result
        found = {"metric": result.metric, "role": result.role, "variant": result.variant, "slice": self.slice}
        found |= asdict(result.effect)
        extra = {"pvalue_adjusted": result.pvalue_adjusted, "correction": self.correction}
        return found | extra | {"margin": result.margin, "good": result.good}


@dataclass(frozen=True, slots=True)
class Readout:
    """What an experiment says from `start` to before `until`; it was planned to go on to `end`.

    `units` are per variant, without those seen in more than one. `found` are the results on everyone that were asked
    for; `slices`, `sensitivity` and `looks` explain them and do not decide.
    """

    experiment: str
    start: str
    end: str
    until: str
    units: Mapping[str, int]
    gates: tuple[Gate, ...]
    found: tuple[Found, ...]
    verdict: Verdict
    alpha: float
    seed: int
    hashes: Mapping[str, str]
    sql: tuple[str, ...]

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
            "results": [each.as_dict() for each in self.found],
            "verdict": self.verdict.verdict,
            "reasons": list(self.verdict.reasons),
            "seed": self.seed,
            "hashes": dict(self.hashes),
        }
