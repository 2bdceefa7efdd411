"""`{{ window }}`: the days that are being built, as a SQL condition with bound parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assay.catalog.template import BadExpression
from assay.config.definitions import Definition
from assay.config.model import ModelSpec
from assay.config.source import SourceSpec
from assay.errors import did_you_mean

# Column or expression, what begins a window, what ends it; None for a model without days.
Bounds = tuple[str, str, str] | None
_WHY = "It is a condition on the time of what the model reads."


def of_source(spec: SourceSpec) -> Bounds:
    """Moments: the local days from midnight to midnight."""
    return spec.time, "fromUnixTimestamp({assay__start:Int64})", "fromUnixTimestamp({assay__end:Int64})"


def of_model(definition: Definition[ModelSpec]) -> Bounds:
    """Whole local days."""
    day = definition.spec.day
    return (day, "{assay__first:Date}", "{assay__after:Date}") if day else None


class Window:
    """`{{ window }}`, `{{ window('feed') }}`, and `{{ window('feed', 'f') }}` where columns need their table's alias.

    In a model without days there is no beginning: every day that is over.
    """

    __slots__ = ("_by_days", "_known")

    def __init__(self, known: Mapping[str, Bounds], by_days: bool) -> None:
        self._known, self._by_days = known, by_days

    def __str__(self) -> str:
        dated = [name for name, bounds in self._known.items() if bounds]
        if len(dated) != 1:
            listed = f"reads {', '.join(dated)}" if dated else "reads nothing that has days"
            fix = f"Name one: {{{{ window('{dated[0]}') }}}}." if dated else "Remove it."
            raise BadExpression("E403", f"'window' is not clear here: the model {listed}.", _WHY, fix)
        return self(dated[0])

    def __call__(self, name: str, alias: str | None = None) -> str:
        if name not in self._known:
            near = did_you_mean(name, self._known)
            fix = f"Use one of: {', '.join(self._known) or 'none'}."
            raise BadExpression("E403", f"The model does not read '{name}'.{near}", _WHY, fix)
        bounds = self._known[name]
        if bounds is None:
            fix = f"Read all of it, or give '{name}' a 'day:'."
            raise BadExpression("E403", f"The model '{name}' has no days.", _WHY, fix)
        time, start, end = bounds
        moment = _qualified(time, alias)
        before = f"{moment} < {end}"
        return f"({moment} >= {start} AND {before})" if self._by_days else f"({before})"


def _qualified(time: str, alias: str | None) -> str:
    if alias is None:
        return time
    if not re.fullmatch(r"\w+", time):
        fix = "Put the condition into a subquery, where the alias is not needed."
        raise BadExpression("E403", f"'{time}' is an expression, which an alias cannot qualify.", _WHY, fix)
    return f"{alias}.{time}"
