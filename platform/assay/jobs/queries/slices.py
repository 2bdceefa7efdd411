"""The numbers of one metric on some days, by slice: from stored states, or from events inside a slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from assay.catalog.catalog import Catalog, Metric
from assay.catalog.series import Members, Size, leaves
from assay.compiler.investigate import PART, Inside, Shape, Term, Terms, measures, slices
from assay.config.source import Dimension
from assay.detect.series import Floats
from assay.detect.standout import Split, baseline
from assay.errors import UsageError
from assay.jobs.context import Context
from assay.jobs.queries.query import Row, query

_DAY = timedelta(days=1)
_TOLERANCE = 0.01  # by which the slices of a dimension may miss the total
_MANY = 4  # sets with more members than this have too many parts to tell

_Numbers = Mapping[tuple[str, str], Mapping[Term, Floats]]  # (dimension, value): term: per day


class Slices:
    """`days` are the days to compare with, and the day in question last."""

    def __init__(self, context: Context, metric: Metric, form: Shape, days: Sequence[date]) -> None:
        self.form = form
        self._context, self._metric, self._days = context, metric, tuple(days)
        self._parts = parts(context.catalog, form) if form.of_rows else {}
        self._total = self._split("", self._rows(None))

    @property
    def before_and_after(self) -> tuple[float, float]:
        """The metric itself on both sides."""
        return self._level(slice(None, -1)), self._level(slice(-1, None))

    def _level(self, days: slice) -> float:
        above = float(baseline(self._total.above[0, days]))
        return above if self._total.below is None else above / float(baseline(self._total.below[0, days]))

    def stored(self) -> tuple[list[Split], list[str]]:
        """Every shared dimension from states and the parts of the metric from events; and what is left out, and why."""
        known = self._context.catalog.dimensions([self._metric])
        splits = {name: self._split(name, self._rows(name)) for name in known}
        wrong = {name: reason for name, split in splits.items() if (reason := self._misses(name, split))}
        found = [split for name, split in splits.items() if name not in wrong]
        return [*found, *(self.inside({}, [PART]) if self._parts else [])], list(wrong.values())

    def _rows(self, dimension: str | None) -> list[Row]:
        """The rows of the days; two days far apart are read one by one."""
        first, last = self._days[0], self._days[-1]
        spans = [(first, last)] if abs(last - first) <= 31 * _DAY and first < last else [(d, d) for d in self._days]
        name = self._metric.name
        rows = [row for start, end in spans for row in query(self._context, [name], start, end + _DAY, dimension)]
        return [row for row in rows if row.time in self._days]

    def _split(self, dimension: str, rows: Sequence[Row]) -> Split:
        """Numbers by slice and day; a slice without rows, or without a value, is 0."""
        values = sorted({row.by.get(dimension, "") for row in rows})
        above, below = (np.zeros((len(values), len(self._days))) for _ in range(2))
        for row in rows:
            at = values.index(row.by.get(dimension, "")), self._days.index(row.time)
            above[at] = (row.value if self.form.below is None else row.numerator) or 0.0
            below[at] = row.denominator or 0.0
        return self._made(dimension, tuple(values), above, below)

    def _misses(self, name: str, split: Split) -> str | None:
        """Why a dimension is left out: its slices are not the total, because something is in several of them."""
        pairs = [(split.above, self._total.above)]
        if split.below is not None and self._total.below is not None:
            pairs.append((split.below, self._total.below))
        gap = max(
            float(np.max(np.abs(each.sum(axis=0) - total[0]) / np.maximum(total[0], 1e-9))) for each, total in pairs
        )
        return f"The slices of '{name}' miss the total by {gap:.1%}, so it is left out." if gap > _TOLERANCE else None

    def inside(self, within: Mapping[str, Sequence[str]], names: Sequence[str]) -> list[Split]:
        """The dimensions `names` (and PART) inside a slice, from events, less those of the slice itself."""
        known = self._context.catalog.dimensions([self._metric])
        by = {name: known[name] for name in names if name in known and name not in within}
        numbers = self._read(by, within)
        wanted = [*by, *([PART] if self._parts and PART not in within else [])]
        splits = (self._of_parts(numbers) if name == PART else self._of_events(name, numbers) for name in wanted)
        return [split for split in splits if len(split.values) > 1]

    def _read(self, by: Mapping[str, Dimension], within: Mapping[str, Sequence[str]]) -> _Numbers:
        """What the events say per slice, day and term; the total inside the slice stands under ("", "")."""
        keys = {label: key for key, label in self._parts.items()}
        asked = {name: [keys[each] for each in values] if name == PART else values for name, values in within.items()}
        terms = self._terms(asked.get(PART))
        inside, days = Inside(self._days, asked), {day: at for at, day in enumerate(self._days)}
        numbers: dict[tuple[str, str], dict[Term, Floats]] = {}
        context = self._context
        for group, statement in slices(context.catalog, self._metric, terms, by, inside, context.database):
            for row in context.engine.run(statement).dicts():
                found = numbers.setdefault((row["dim"], row["val"]), {})
                for at, term in enumerate(group):
                    found.setdefault(term, np.zeros(len(days)))[days[row["day"]]] = row[f"v{at}"] or 0.0
        return numbers

    def _terms(self, keys: Sequence[str] | None) -> Sequence[Term]:
        """All terms, or those that a part of a sum consists of."""
        if keys is None or len(self.form.above) == 1:
            return self.form.terms
        return [term for at, term in enumerate(self.form.above) if str(at) in keys]

    def _of_events(self, name: str, numbers: _Numbers) -> Split:
        """A dimension."""
        values = tuple(sorted(val for dim, val in numbers if dim == name))
        above, below = (
            np.stack([self._sum(terms, numbers[name, value]) for value in values] or [np.zeros(len(self._days))])
            for terms in (self.form.above, self.form.below or {})
        )
        return self._made(name, values or ("",), above, below)

    def _of_parts(self, numbers: _Numbers) -> Split:
        """The parts of a metric: terms of a sum, or ways to be in a set."""
        if len(self.form.above) > 1:
            total = numbers.get(("", ""), {})
            found = [self._sum({term: by}, total) for term, by in self.form.above.items()]
        else:
            found = [self._sum(self.form.above, numbers.get((PART, key), {})) for key in self._parts]
        alive = [at for at, each in enumerate(found) if each.any()]
        labels = [tuple(self._parts.values())[at] for at in alive]
        above = np.stack([found[at] for at in alive] or [np.zeros(len(self._days))])
        return self._made(PART, tuple(labels) or ("",), above, above)

    def _sum(self, terms: Terms, found: Mapping[Term, Floats]) -> Floats:
        total: Floats = np.zeros(len(self._days))
        for term, coefficient in terms.items():
            total = total + coefficient * found.get(term, 0.0)
        return total

    def _made(self, name: str, values: tuple[str, ...], above: Floats, below: Floats) -> Split:
        if min(above.min(initial=0), below.min(initial=0)) < 0:
            raise cannot(self._metric, "is negative in some slices", "Growth is told by ratios of positive numbers.")
        return Split(name, values, above, None if self.form.below is None else below, parts=name == PART)


def cannot(metric: Metric, what: str, why: str) -> UsageError:
    """The refusal of a metric."""
    return UsageError.of(
        "E302",
        f"'{metric.name}' cannot be investigated: it {what}.",
        why=f"Contributions of slices must sum to the change. {why}",
        fix="Investigate the metric behind it, or one of type count, sum, mean, unique, set or ratio.",
        location=metric.definition.location,
    )


def parts(catalog: Catalog, form: Shape) -> dict[str, str]:
    """Key: label of what a total is made of: terms of a sum by their position, or ways to be in a set by their bits."""
    if form.below is not None:
        return {}
    if len(form.above) > 1:
        return {str(at): _name(catalog, term) for at, term in enumerate(form.above)}
    (term,) = form.above
    names = _members(catalog, term) if isinstance(term, Size) else []
    if not 1 < len(names) <= _MANY:
        return {}
    return {str(bits): _way(bits, names) for bits in range(1, 2 ** len(names))}


def _way(bits: int, names: Sequence[str]) -> str:
    """In which of the sets an entity is."""
    found = [name for at, name in enumerate(names) if bits >> at & 1]
    if len(found) == 1:
        return f"{found[0]} only"
    return "both" if len(names) == 2 else " and ".join(found)


def _members(catalog: Catalog, term: Size) -> list[str]:
    """The names of the sets behind a set: their sources, or their metrics where one source has several."""
    found = measures(term)
    sources = [measure.source for measure in found]
    return sources if len(set(sources)) == len(sources) else [_name(catalog, Size(Members(each))) for each in found]


def _name(catalog: Catalog, series: Term) -> str:
    """The metric that is this and nothing else; a sum may have terms without one."""
    named = (name for name, metric in catalog.metrics.items() if metric.series == series)
    sources = " and ".join(dict.fromkeys(leaf.measure.source for leaf in leaves(series)))
    return next(named, f"something of {sources}")
