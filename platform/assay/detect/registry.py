"""The table of detectors: a name, a function, and parameters read from its signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeVar, get_type_hints

from assay.detect.judgement import Expectation, Judgement, compare
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
    """Register `function(slots, *, parameter=default, ...) -> Expectation` under its own name."""
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


def judge(name: str, slots: Slots, **parameters: Any) -> tuple[Judgement, ...]:
    """Run a detector and compare the current slot with what it expects: one judgement per series, in order.

    Raises DefinitionsError for an unknown detector (E201) or a parameter out of its range (E104).
    """
    return compare(slots, _get(name)(slots, **parameters))


def _get(name: str) -> Callable[..., Expectation]:
    if name not in _DETECTORS:
        raise DefinitionsError.of(
            "E201",
            f"There is no detector '{name}'.{did_you_mean(name, _DETECTORS)}",
            why="A detector is a function in assay/detect/detectors; its name is the value of `detector.type`.",
            fix=f"Use one of: {', '.join(names())}.",
        )
    return _DETECTORS[name]
