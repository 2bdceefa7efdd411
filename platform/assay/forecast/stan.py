"""Orbit's Stan programs without CmdStan: stanli interprets them, behind the two methods that Orbit calls.

Orbit reaches Stan at one place, `get_compiled_stan_model(name)`, and uses `optimize` and `sample` of what it returns.
`Program` is such a thing. What stanli computes is Stan's density to 1e-13; the optimiser is SciPy's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from typing import Any

import numpy as np

from assay.forecast.series import Floats

Variables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What CmdStan's fits offer to Orbit: values by name, scalars as floats or one per draw."""

    variables: Variables

    def stan_variables(self) -> Variables:
        return self.variables


@dataclass(frozen=True, slots=True)
class Program:
    """A Stan program of Orbit's, by name."""

    name: str

    def optimize(self, data: Mapping[str, Any], inits: Any = None, **_: Any) -> Answer:
        """The mode of the density without Jacobian, as CmdStan's `optimize`, from the origin and Orbit's partial start.

        Where CmdStan starts at random, this starts at one place, so the same data have the same answer.
        """
        from scipy.optimize import minimize

        model = _model(self.name, data)
        corrected = _Corrected(model, _bounds(self.name))
        best = minimize(
            corrected, _start(model, inits), jac=True, method="L-BFGS-B",
            options={"maxiter": 2000, "maxfun": 5000, "ftol": 1e-14, "gtol": 1e-8},
        )  # fmt: skip
        values = model.param_constrain(best.x, include_tp=True, include_gq=True, rng=model.new_rng(1))
        return Answer(shaped(model.param_names(include_tp=True, include_gq=True), values[None, :], single=True))

    def sample(
        self, data: Mapping[str, Any], iter_sampling: int, iter_warmup: int, chains: int, seed: int,
        inits: Any = None, **_: Any,
    ) -> Answer:  # fmt: skip
        """Draws by NUTS, the same ones for the same seed."""
        start = _start(_model(self.name, data), inits)
        sampler = import_module("stanli").Model(mir=_compiled(self.name), data=_json(data), seed=seed)
        fit = sampler.sample(
            chains=chains, warmup=iter_warmup, samples=iter_sampling, seed=seed, inits=start, refresh=0
        )  # fmt: skip
        names, draws = fit.names, np.asarray(fit.draws())
        return Answer(shaped([_dotted(each) for each in names], draws.reshape(-1, len(names)), single=False))


def shaped(names: Iterable[str], draws: Floats, single: bool) -> Variables:
    """Columns such as `l.3` and `beta.1.2` gathered into arrays: shape (draws, *own) or, of one draw, own."""
    places: dict[str, list[tuple[tuple[int, ...], int]]] = {}
    for column, name in enumerate(names):
        head, *place = name.split(".")
        places.setdefault(head, []).append((tuple(int(each) - 1 for each in place), column))
    found: Variables = {}
    for head, cells in places.items():
        shape = tuple(np.max([index for index, _ in cells], axis=0) + 1) if cells[0][0] else ()
        array = np.empty((len(draws), *shape))
        for index, column in cells:
            everywhere: tuple[Any, ...] = (slice(None), *index)
            array[everywhere] = draws[:, column]
        found[head] = (array[0] if shape else float(array[0])) if single else array
    return found


class _Corrected:
    """-(log density - log Jacobian) and its gradient; the Jacobian by the kind of each parameter.

    Written in |q|, because log(s (1 - s)) of a clipped s has no gradient where the optimiser needs one: at the bounds.
    """

    def __init__(self, model: Any, bounds: Mapping[str, int]) -> None:
        kinds = np.array([bounds.get(name.split(".")[0], 0) for name in model.param_unc_names()])
        self.model, self.both, self.one = model, kinds == 2, kinds == 1

    def __call__(self, free: Floats) -> tuple[float, Floats]:
        try:
            density, gradient = self.model.log_density_gradient(free)
        except RuntimeError:  # outside the domain; a step that the line search takes back
            return 1e12, np.zeros_like(free)
        size = np.abs(free)
        jacobian = np.sum((-size - 2 * np.log1p(np.exp(-size)))[self.both]) + np.sum(free[self.one])
        slope = np.where(self.both, -np.tanh(free / 2), 0.0) + self.one
        return float(jacobian - density), slope - gradient


def _start(model: Any, inits: Any) -> Floats:
    """The origin, with what Orbit gives laid over it; Orbit also names things that are no parameters."""
    values, given = model.param_constrain(np.zeros(model.param_unc_num())), inits or {}
    for column, name in enumerate(model.param_names()):
        head, *index = name.split(".")
        if head in given:
            values[column] = np.asarray(given[head])[tuple(int(each) - 1 for each in index)]
    return np.asarray(model.param_unconstrain(values))


def _model(name: str, data: Mapping[str, Any]) -> Any:
    return import_module("stanli").bridgestan_model(mir=_compiled(name), data=_json(data), name=name)


def _json(data: Mapping[str, Any]) -> dict[str, Any]:
    """stanli reads strict JSON: the NaN of a masked day becomes 0, and its mask says that nobody looks."""
    return {
        key: np.nan_to_num(value).tolist() if isinstance(value, np.ndarray) else value for key, value in data.items()
    }


@cache
def _source(name: str) -> str:
    return (resources.files("orbit") / "stan" / f"{name}.stan").read_text(encoding="utf-8")


@cache
def _compiled(name: str) -> Any:
    return import_module("stanli").stan_to_mir(_source(name))


@cache
def _bounds(name: str) -> dict[str, int]:
    """How many bounds each bounded parameter has, read from the program's `parameters` block."""
    block = re.search(r"^parameters \{(.*?)^\}", _source(name), re.MULTILINE | re.DOTALL)
    lines = re.finditer(r"^\s*(?:array\[.*?\] )?\w+<(.*?)>.*?(\w+);", block[1] if block else "", re.MULTILINE)
    return {each[2]: ("lower" in each[1]) + ("upper" in each[1]) for each in lines}


def _dotted(name: str) -> str:
    """`beta[1,2]` as CmdStan writes it in its files: `beta.1.2`."""
    return name.replace("[", ".").replace(",", ".").rstrip("]")
