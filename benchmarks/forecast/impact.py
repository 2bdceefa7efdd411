"""Launches that never happened: how often an effect is found, with and without controls, and the published example."""

from __future__ import annotations

import json
from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np

from assay.forecast.impact import Study, impact
from assay.forecast.series import Floats
from benchmarks.forecast.panel import panel
from benchmarks.measure import ROOT, Timing, gate

BEFORE, AFTER, LAUNCHES = 126, 14, 8


def measured() -> dict[str, str]:
    """Shares of fake launches with an effect; the published example and its seconds."""
    return {"placebo": _placebos(), "vignette": _vignette()}


def _vignette() -> str:
    """Gate: the published effect of 10.5 (sd 0.37), [9.8, 11.2]."""
    path = ROOT / "tests" / "forecast" / "reference" / "causalimpact_vignette.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    values, controls = np.array(data["y"]), np.array(data["x1"])[:, None]
    seconds = []
    for _ in range(5):
        started = process_time()
        found = Study(values, controls, data["start"], log=False, season=1, prior="causalimpact").effect().average
        seconds.append(process_time() - started)
    gate(abs(found.value - 10.5) < 0.25 * 0.37, f"the effect is {found.value}")
    spent = Timing.of(seconds).median
    return (
        f"CausalImpact's published example: {found.value:.2f} [{found.low:.2f}, {found.high:.2f}], published 10.5 "
        f"[9.8, 11.2], in {spent:.2f} CPU s (target 0.5: {'yes' if spent <= 0.5 else 'no'})."
    )


def _placebos() -> str:
    found = _launches()
    shares = {name: np.mean(rows, axis=0) for name, rows in found.items()}
    told = "; ".join(
        f"{name} {model:.1%} by the model alone, {ours:.1%} with the checks" for name, (model, ours) in shares.items()
    )
    met = shares["no controls"][1] <= 0.10 and shares["controls"][1] <= 0.05
    return (
        f"Launches that never happened, {len(found['controls'])} on public daily series, {BEFORE} days before and "
        f"{AFTER} after, called an effect: {told} (target: 10 % without controls, 5 % with: {'yes' if met else 'no'})."
    )


def _launches() -> dict[str, list[tuple[bool, bool]]]:
    """By design: (the model's p alone says yes, our answer is yes)."""
    table = {name: values for name, values in panel().items() if len(values) >= 500}
    found: dict[str, list[tuple[bool, bool]]] = {"no controls": [], "no controls, R's prior": [], "controls": []}
    for name, values in table.items():
        others = np.array([each[-550:] for other, each in table.items() if other != name]).T
        for start in _starts(values[-550:]):
            window = slice(start - BEFORE, start + AFTER)
            seen = values[-550:][window]
            found["no controls"].append(_judged(seen, None, prior="weak"))
            found["no controls, R's prior"].append(_judged(seen, None, prior="causalimpact"))
            found["controls"].append(_judged(seen, others[window], prior="weak"))
    return found


def _starts(values: Floats) -> Iterator[int]:
    yield from np.linspace(BEFORE, len(values) - AFTER, LAUNCHES).astype(int)


def _judged(values: Floats, controls: Floats | None, **settings: Any) -> tuple[bool, bool]:
    said = impact(values, controls, BEFORE, draws=500, **settings)
    return said.effect.pvalue <= 0.05, said.found and said.trust != "refused"
