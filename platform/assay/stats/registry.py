"""The table of statistical methods. A method registers itself with the decorator; `methods/` holds one per file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from assay.errors import UsageError, did_you_mean
from assay.stats.effect import Effect, Kind

Needs = Literal["moments", "samples", "buckets"]
# (estimand, control, treatment, setting) -> Effect; the arms are `Moments`, `Samples` or `Buckets`, as `needs` says.
Run = Callable[..., Effect]
Decorated = TypeVar("Decorated", bound=Run)


@dataclass(frozen=True, slots=True)
class Method:
    """A registered method: what it needs, which estimands it reads, and which method stands in for the others."""

    name: str
    needs: Needs
    estimands: tuple[Kind, ...]
    otherwise: str | None
    run: Run


METHODS: dict[str, Method] = {}


def method(
    name: str, needs: Needs = "moments", estimands: tuple[Kind, ...] = ("mean",), otherwise: str | None = None
) -> Callable[[Decorated], Decorated]:
    """Register `run(estimand, control, treatment, setting) -> Effect` under a name.

    `otherwise` names the method that takes over the estimands this one does not read; without it they are refused.
    """

    def register(run: Decorated) -> Decorated:
        METHODS[name] = Method(name, needs, estimands, otherwise, run)
        return run

    return register


def choose(name: str, kind: Kind) -> Method:
    """The method that `name` means for a kind of estimand: itself or its stand-in.

    Raises `UsageError`: E201 for an unknown name, E302 if the estimand cannot be read.
    """
    chosen = _known(name)
    if kind in chosen.estimands:
        return chosen
    if chosen.otherwise:
        return choose(chosen.otherwise, kind)
    raise UsageError.of(
        "E302",
        f"The method '{name}' cannot read a {kind}.",
        why=f"It is defined for: {', '.join(chosen.estimands)}.",
        fix=f"Use one of: {', '.join(each.name for each in METHODS.values() if kind in each.estimands)}.",
    )


def _known(name: str) -> Method:
    if name in METHODS:
        return METHODS[name]
    raise UsageError.of(
        "E201",
        f"There is no statistical method '{name}'.{did_you_mean(name, METHODS)}",
        why="Methods are looked up by name.",
        fix=f"Use one of: {', '.join(sorted(METHODS))}.",
    )
