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

BEFORE, AFTER, LAUNCHES = 126, 14, 12


def measured() -> dict[str, Any]:
    """Shares of fake launches with an effect; seconds of the published example."""
    return {"placebo": {name: _share(found) for name, found in _launches().items()}, "vignette": vignette()}


def vignette() -> dict[str, Any]:
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
    return {"value": found.value, "low": found.low, "high": found.high, "seconds": Timing.of(seconds).median}


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


def _share(found: list[tuple[bool, bool]]) -> dict[str, float]:
    model, ours = np.mean(found, axis=0)
    return {"launches": len(found), "model alone": round(float(model), 3), "with the checks": round(float(ours), 3)}
