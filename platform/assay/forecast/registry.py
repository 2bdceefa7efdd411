"""The table of models: a name, a function, and parameters read from its signature."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import signature
from typing import Any, TypeVar, get_type_hints

import numpy as np

from assay.errors import DefinitionsError, did_you_mean
from assay.forecast.refusals import too_little
from assay.forecast.series import Floats
from assay.forecast.training import Path, Predict, Training

Function = Callable[..., Predict]
Decorated = TypeVar("Decorated", bound=Function)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A keyword of a model, as YAML may set it."""

    name: str
    type: Any
    default: Any


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model. `complexity` orders models for ties: the simpler one wins."""

    name: str
    complexity: int
    regressors: bool
    gaps: bool
    extra: str | None
    function: Function


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model with its parameters, under the name that a table shows."""

    model: str
    parameters: dict[str, Any] = field(default_factory=dict)
    label: str = ""

    @property
    def name(self) -> str:
        told = " ".join(f"{key}={value}" for key, value in self.parameters.items())
        return self.label or f"{self.model} {told}".strip()


_MODELS: dict[str, Model] = {}


def model(
    *, complexity: int, regressors: bool = False, gaps: bool = False, extra: str | None = None
) -> Callable[[Decorated], Decorated]:
    """Register `function(training, *, parameter=default, ...) -> Predict` under its own name.

    `regressors`: it reads `training.events` itself; for the others their effect is taken out before and put back after.
    `gaps`: it reads NaN; the others get gaps filled. `extra`: the optional dependency that it needs.
    """

    def register(function: Decorated) -> Decorated:
        name = function.__name__
        _MODELS[name] = Model(name, complexity, regressors, gaps, extra, function)
        return function

    return register


def names() -> tuple[str, ...]:
    return tuple(sorted(_MODELS))


def get(name: str) -> Model:
    """Raises DefinitionsError (E201) for an unknown model."""
    if name not in _MODELS:
        raise DefinitionsError.of(
            "E201",
            f"There is no forecast model '{name}'.{did_you_mean(name, _MODELS)}",
            why="A model is a function in assay/forecast/models, looked up by its name.",
            fix=f"Use one of: {', '.join(names())}.",
        )
    return _MODELS[name]


def parameters(name: str) -> dict[str, Parameter]:
    """The parameters of a model by name. Raises as `get`."""
    function = get(name).function
    types = get_type_hints(function)
    keywords = [each for each in signature(function).parameters.values() if each.kind is each.KEYWORD_ONLY]
    return {each.name: Parameter(each.name, types[each.name], each.default) for each in keywords}


def train(name: str, training: Training, **settings: Any) -> Predict:
    """Fit a model to what it may see; the same question is answered once per training.

    Raises as `get`, DefinitionsError (E102) for an unknown parameter, UsageError (E601) for a missing extra or a
    parameter out of its range, (W601) where the numbers of the library fail on this series.
    """
    key = (name, *sorted(settings.items()))
    if key not in training.fitted:
        training.fitted[key] = _checked(name, _trained(get(name), training, settings))
    found: Predict = training.fitted[key]
    return found


def _trained(chosen: Model, training: Training, settings: dict[str, Any]) -> Predict:
    _require_known(chosen.name, settings)
    seen = training if chosen.gaps else training.without_gaps()
    seen = seen if chosen.regressors else seen.without_events()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence, which the backtest judges by errors
        try:
            predict = chosen.function(seen, **settings)
        except (ArithmeticError, ValueError, RuntimeError, IndexError, np.linalg.LinAlgError) as cause:
            raise failed(chosen.name, str(cause)) from cause
    return predict if chosen.regressors else training.with_events(predict)


def _checked(name: str, predict: Predict) -> Predict:
    def finite(horizon: int, future: Floats) -> Path:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = predict(horizon, future)
        if not (np.all(np.isfinite(path.center)) and np.all(np.isfinite(path.spread))):
            raise failed(name, "it returned numbers that are not finite")
        return path

    return finite


def failed(name: str, why: str) -> Exception:
    return too_little(
        f"The model {name} fails on this series: {why.splitlines()[0] if why else 'no reason given'}.",
        "Its numbers cannot be estimated from these days.",
        "Leave the model out, give it more days, or use seasonal_naive.",
    )


def _require_known(name: str, settings: dict[str, Any]) -> None:
    known = parameters(name)
    for key in settings:
        if key not in known:
            raise DefinitionsError.of(
                "E102",
                f"The model {name} has no parameter '{key}'.{did_you_mean(key, known)}",
                why="Parameters are the keywords of the model's function.",
                fix=f"Use one of: {', '.join(known) or 'none'}.",
            )
