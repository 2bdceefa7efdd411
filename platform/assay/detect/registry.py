"""The table of detectors: a name, a function, and parameters read from its signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeVar, get_type_hints

from assay.detect.history import History
from assay.detect.judgement import Judgement
from assay.detect.scores import Expectation, Scores, empty, finish
from assay.detect.series import Slots
from assay.errors import DefinitionsError, did_you_mean

Detector = TypeVar("Detector", bound=Callable[..., Expectation])
_DETECTORS: dict[str, Callable[..., Expectation]] = {}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A keyword of a detector, as YAML may set it."""

    name: str
    type: type
    default: Any


def detector(function: Detector) -> Detector:
    """Register `function(data, newest, *, parameter=default, ...) -> Expectation` under its own name.

    It judges the last `newest` slots of `data`, each from what lies before it only: what it says of a slot must not
    depend on later ones, nor on `newest`. Contract tests hold every detector to this.
    """
    _DETECTORS[function.__name__] = function
    return function


def names() -> tuple[str, ...]:
    return tuple(sorted(_DETECTORS))


def parameters(name: str) -> dict[str, Parameter]:
    """The parameters of a detector by name. Raises DefinitionsError (E201) for an unknown detector."""
    function = _get(name)
    types = get_type_hints(function)
    keywords = [each for each in signature(function).parameters.values() if each.kind is each.KEYWORD_ONLY]
    return {each.name: Parameter(each.name, types[each.name], each.default) for each in keywords}


def score(name: str, data: History, newest: int | None = None, **parameters: Any) -> Scores:
    """Run a detector on the last `newest` slots of every series; on all slots when None.

    The same function for a live tick (newest=1), a backtest (all, each slot judged causally) and a notebook.

    >>> import numpy as np
    >>> views = np.random.default_rng(1).poisson(400.0, (2, 30 * 96))
    >>> views[0, -1] = 200
    >>> score("seasonal_level", History.counts(views), newest=1).flagged
    array([[ True],
           [False]])

    Raises DefinitionsError for an unknown detector (E201) or a parameter out of its range (E104), ValueError unless
    0 <= newest <= slots.
    """
    function = _get(name)
    slots = data.shape[1] if newest is None else newest
    if not 0 <= slots <= data.shape[1]:
        raise ValueError(f"newest must lie between 0 and the {data.shape[1]} slots of the history, not {newest}")
    if not slots or not data.shape[0]:
        return empty(data, slots, float(parameters.get("threshold", 1.0)))
    return finish(data, function(data, slots, **parameters))


def judge(name: str, slots: Slots, **parameters: Any) -> tuple[Judgement, ...]:
    """Judge the current one of equal slots on consecutive days: one judgement per series, in order.

    A convenience for those who hold one slot a day only. `history` is dropped for detectors that have none. Raises
    like `score`.
    """
    accepted = signature(_get(name)).parameters
    if "history" not in accepted:
        parameters.pop("history", None)
    return score(name, History.same_slot(slots), newest=1, **parameters).judgements()


def refuse(name: str, why: str, fix: str, **parameters: float) -> DefinitionsError:
    """The error of a detector that cannot use its parameters."""
    told = ", ".join(f"{key} {value:g}" for key, value in parameters.items())
    return DefinitionsError.of("E104", f"The detector {name} cannot use {told}.", why=why, fix=fix)


def _get(name: str) -> Callable[..., Expectation]:
    if name not in _DETECTORS:
        raise DefinitionsError.of(
            "E201",
            f"There is no detector '{name}'.{did_you_mean(name, _DETECTORS)}",
            why="A detector is a function in assay/detect/detectors; its name is the value of `detector.type`.",
            fix=f"Use one of: {', '.join(names())}.",
        )
    return _DETECTORS[name]
