"""Numbers in, judgements out: is this slot ordinary, does it deserve a message, and which slices explain it.

    Slots ──detector──▶ Expectation ──compare──▶ Judgement ──follow──▶ Verdict
          a file in detectors/      one for all detectors     n of m, volume, change, direction

`explain` stands beside this line: from counts per slice, before and after, to the slices that moved.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from assay.detect import detectors
from assay.detect.explain import Cause, explain
from assay.detect.judgement import Expectation, Judgement
from assay.detect.lifecycle import Policy, Verdict, follow
from assay.detect.registry import Parameter, judge, names, parameters
from assay.detect.series import Slots

__all__ = [
    "Cause", "Expectation", "Judgement", "Parameter", "Policy", "Slots", "Verdict",
    "explain", "follow", "judge", "names", "parameters",
]  # fmt: skip

for _module in iter_modules(detectors.__path__):
    import_module(f"{detectors.__name__}.{_module.name}")  # a detector registers itself
