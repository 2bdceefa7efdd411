"""What an investigation reads from events: the parts of a metric, and slices inside a slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import singledispatch
from typing import Any

from assay.catalog.catalog import Catalog, Metric
from assay.catalog.series import (
    NOW,
    Arithmetic,
    Combine,
    Measure,
    Members,
    Number,
    Seen,
    Series,
    Set,
    Size,
    Total,
    leaves,
    of_events,
    plain,
    present,
    ratio_parts,
)
from assay.compiler import zone
from assay.compiler.dimensions import value_sql
from assay.compiler.render import read
from assay.compiler.scan import scan
from assay.config.source import Dimension
from assay.statement import Statement

PART = "_part"  # beside the dimensions, whose names begin with a letter
_SETS = {"&": "({} AND {})", "|": "({} OR {})", "-": "({} AND NOT {})"}

Term = Total | Size
Terms = Mapping[Term, float]  # a sum of terms, each times its coefficient


@dataclass(frozen=True, slots=True)
class Shape:
    """A metric as a sum of terms, or as one such sum over another.

    `of_rows`: whether its events can be read again inside a slice; what was seen before, and rows made of events, are
    only known from states.
    """

    above: Terms
    below: Terms | None
    of_rows: bool

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple({**self.above, **(self.below or {})})

    @property
    def counts(self) -> bool:
        """Whether everything counts events or entities."""
        return all(isinstance(each, Size) or each.measure.expression == "1" for each in self.terms)


def shape(series: Series) -> Shape | None:
    """None for what is no sum over slices: quantiles, windows of days, constants, quotients of quotients."""
    kept = present(series)
    if any(each.days if isinstance(each, Seen) else each.window != NOW or _whole(each) for each in kept):
        return None
    of_rows = plain(series) and of_events(series)
    found = linear(series)
    if found is not None:
        return Shape(found, None, of_rows)
    above, below = map(linear, ratio_parts(series) or (Number(1), Number(1)))
    return None if above is None or below is None else Shape(above, below, of_rows)


def _whole(leaf: object) -> bool:
    return isinstance(leaf, Members) and leaf.whole


@singledispatch
def linear(_node: Series) -> Terms | None:
    """The terms of a sum, or None for what is none."""
    return None


@linear.register
def _(node: Total | Size) -> Terms | None:
    return {node: 1.0}


@linear.register
def _(node: Arithmetic) -> Terms | None:
    if node.op in ("*", "/"):
        return _times(node)
    left, right = linear(node.left), linear(node.right)
    if left is None or right is None:
        return None
    sign = -1.0 if node.op == "-" else 1.0
    return {term: left.get(term, 0.0) + sign * right.get(term, 0.0) for term in {**left, **right}}


def _times(node: Arithmetic) -> Terms | None:
    """A sum of terms times or over a number."""
    sums, number = (node.right, node.left) if isinstance(node.left, Number) else (node.left, node.right)
    found = linear(sums)
    if (
        found is None
        or not isinstance(number, Number)
        or (node.op == "/" and (number is node.left or not number.value))
    ):
        return None
    factor = 1 / number.value if node.op == "/" else number.value
    return {term: factor * coefficient for term, coefficient in found.items()}


@dataclass(frozen=True, slots=True)
class Inside:
    """Where to look: `days`, and per dimension (or PART) the values of the slice; empty for everything."""

    days: tuple[date, ...]
    slice: Mapping[str, Sequence[str]]


def slices(
    catalog: Catalog, metric: Metric, terms: Sequence[Term], by: Mapping[str, Dimension], inside: Inside, database: str
) -> list[tuple[Sequence[Term], Statement]]:
    """Statements that read terms per day and slice from events; `by` holds the dimensions to split by.

    Columns: day, dim, val, then v<i> for the i-th term beside the statement. A set is also split by PART, whose values
    say as bits which of its measures (`measures`) an entity is in. Splits of the slice itself are left out.
    """
    groups: dict[object, list[Term]] = {}
    for term in terms:
        groups.setdefault(term.measure.source if isinstance(term, Total) else term, []).append(term)
    known = catalog.dimensions([metric])
    needed = {name: known[name] for name in known if name in by or name in inside.slice}
    read_values = [(name, value_sql(name, dimension, database)) for name, dimension in needed.items()]
    return [(group, _statement(catalog, metric, group, read_values, inside)) for group in groups.values()]


def measures(term: Size) -> tuple[Measure, ...]:
    """The measures of a set, each once; bit i of PART stands for the i-th."""
    return tuple({leaf.measure.id: leaf.measure for leaf in leaves(term)}.values())


def _statement(
    catalog: Catalog, metric: Metric, terms: Sequence[Term], dimensions: Sequence[tuple[str, str]], inside: Inside
) -> Statement:
    first = terms[0]
    found = measures(first) if isinstance(first, Size) else ()
    columns = [_set_columns(measure, bit) for bit, measure in enumerate(found)] or [_total_columns(terms)]
    sources = [measure.source for measure in found] or [leaf.measure.source for leaf in leaves(first)]
    parts = [PART] if len(found) > 1 else []
    split = [*(name for name, _ in dimensions), *parts]
    return read(
        "investigate/slices",
        f"slices of {metric.name}",
        _parameters(catalog, inside),
        metric.definition.location,
        zone=catalog.zone,
        days=inside.days,
        scans=[
            scan(catalog, source) | {"dimensions": dimensions, "columns": each}
            for source, each in zip(sources, columns, strict=False)
        ],
        set=isinstance(first, Size) and _set_sql(first.members, [measure.id for measure in found].index),
        terms=terms,
        part=PART,
        splits=[name for name in split if name not in inside.slice],
        inside=[name for name in inside.slice if name in split],
    )


def _set_columns(measure: Measure, bit: int) -> list[tuple[str, str]]:
    return [
        ("assay__entity", f"({measure.expression})"),
        ("assay__set", f"toUInt64(if({_where(measure)}, {2**bit}, 0))"),
    ]


def _total_columns(terms: Iterable[Term]) -> list[tuple[str, str]]:
    found = enumerate(term.measure for term in terms if isinstance(term, Total))
    return [
        column
        for index, measure in found
        for column in (
            (f"assay__v{index}", f"toFloat64({measure.expression})"),
            (f"assay__w{index}", _where(measure)),
        )
    ]


def _where(measure: Measure) -> str:
    return f"ifNull(({measure.where}), 0) != 0" if measure.where else "1"


def _set_sql(node: Set, bit: Callable[[str], int]) -> str:
    if isinstance(node, Combine):
        return _SETS[node.op].format(_set_sql(node.left, bit), _set_sql(node.right, bit))
    assert isinstance(node, Members), "what was seen before is not read from events"
    return f"bitTest(assay__sets, {bit(node.measure.id)})"


def _parameters(catalog: Catalog, inside: Inside) -> dict[str, Any]:
    """The bounds of the days, and the values of the slice."""
    found: dict[str, Any] = {f"in_{name}": list(values) for name, values in inside.slice.items()}
    for index, day in enumerate(inside.days):
        window = zone.window(day, date.fromordinal(day.toordinal() + 1), catalog.zone)
        found |= {f"start{index}": window["start"], f"end{index}": window["end"]}
    return found
