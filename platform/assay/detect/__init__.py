"""Numbers in, judgements out: is this slot ordinary, does it deserve a message, and which slices explain it.

    History ──score──▶ Scores ──read──▶ Readings ──step──▶ State, Events
         a file in detectors/    volume, change,      n of m, hysteresis, no data, silences,
                                 direction            acknowledgements, corrections

The same three functions serve a live tick (the newest slot), a backtest (every slot, each from what lies before it) and
a notebook. `backtest` replays all of it and `tuned` finds the threshold that fits a budget; `together` does it for a
total with its slices. `explain` stands beside the line: from counts per slice, before and after, to those that moved.
`judge` is for those who hold slots of one clock time and nothing else.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from assay.detect import detectors
from assay.detect.backtest import Backtest, Fire, backtest
from assay.detect.calibration import Tuned, calibrated, factors, tuned
from assay.detect.explain import Cause, explain
from assay.detect.history import Band, History
from assay.detect.incidents import Incident, Note, gather, worth_saying
from assay.detect.judgement import Judgement
from assay.detect.lifecycle import Action, Episode, Event, State, act, step
from assay.detect.policy import Policy, Reading, Readings, objection, read
from assay.detect.power import minimum_visible_drop
from assay.detect.registry import Parameter, judge, names, parameters, score
from assay.detect.scores import LEARNING, NO_DATA, OK, Expectation, Scores, agree
from assay.detect.season import Season, Setting
from assay.detect.seasonal import PREPARES, Prepared, prepare, setting_of, tick, warm_up_days
from assay.detect.series import Slots
from assay.detect.silences import Silence, expecting, left_out, quiet
from assay.detect.slices import Tick, controlled, discoveries, together

__all__ = [
    "LEARNING", "NO_DATA", "OK", "PREPARES",
    "Action", "Backtest", "Band", "Cause", "Episode", "Event", "Expectation", "Fire", "History", "Incident",
    "Judgement", "Note", "Parameter", "Policy", "Prepared", "Reading", "Readings", "Scores", "Season", "Setting",
    "Silence", "Slots", "State", "Tick", "Tuned",
    "act", "agree", "backtest", "calibrated", "controlled", "discoveries", "expecting", "explain", "factors",
    "gather", "judge", "left_out", "minimum_visible_drop", "names", "objection", "parameters", "prepare", "quiet",
    "read", "score", "setting_of", "step", "tick", "together", "tuned", "warm_up_days", "worth_saying",
]  # fmt: skip

for _module in iter_modules(detectors.__path__):
    import_module(f"{detectors.__name__}.{_module.name}")  # a detector registers itself
