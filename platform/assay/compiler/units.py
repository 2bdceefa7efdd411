"""The units of an experiment: who was exposed to which variant, and what each of them did, once and for all readings.

    exposures → what each unit did in each source, by day → one row per unit

Per measure a unit has y (after its first exposure), x (before the start) and d (y by day of the experiment).
A metric's series is read from these: a total is the unit's own sum, a set is 1 when the unit is a member, a return is
1 when the unit came back, and a quotient stays two columns, so that the delta method can see both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import blake2b
from itertools import combinations_with_replacement
from typing import Literal

from assay.catalog.assignment import variant_sql
from assay.catalog.catalog import Catalog, Metric
from assay.catalog.expression import parse, quote_literal
from assay.catalog.rows import Steps
from assay.catalog.series import Arithmetic, Combine, Measure, Members, Node, Series, Set, Size, Total, leaves
from assay.compiler import zone
from assay.compiler.dimensions import raw_value_sql, value_sql
from assay.compiler.scan import scan
from assay.config.assignment import HashAssignment
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.config.metric import FunnelMetric, RetentionMetric
from assay.config.source import Dimension

CROSSED, POOL = "(crossed)", "(all)"
_BOOLEAN = {"&": "{0} AND {1}", "|": "{0} OR {1}", "-": "{0} AND NOT {1}"}

Pool = Literal["everyone", "assigned"]
# What of a unit is read: its total, its past, one day, or everything up to a day.
Face = Literal["total", "day", "until"]
_SqlOf = Callable[[Measure], str]


@dataclass(frozen=True, slots=True)
class Returned:
    """1 if the unit was a member of the set again `first` to `last` days after its exposure, and is `Due`."""

    members: Set
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Due:
    """1 if the day `days` after the unit's exposure lies inside the window: only then it could have returned."""

    days: int


@dataclass(frozen=True, slots=True)
class Completed:
    """1 if the unit went through so many `steps` of a funnel, all after its exposure."""

    source: str
    rows: Steps
    steps: int

    @property
    def column(self) -> str:
        """Where the unit table counts the steps; funnels with the same steps share it."""
        return f"f_{blake2b(repr((self.source, self.rows)).encode(), digest_size=8).hexdigest()}"


UnitNode = Total | Size | Returned | Due | Completed


@dataclass(frozen=True, slots=True)
class Quotient:
    """A metric over the units that are due, where the plain metric is over all."""

    above: Returned
    below: Due


Formula = Series | Quotient | Completed


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric in an experiment: `formula` over the unit columns of its parts; x_<column> is the same of the past."""

    metric: Metric
    formula: Formula
    columns: Mapping[UnitNode, str]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(self.columns.values()))

    @property
    def has_past(self) -> bool:
        """Whether the metric could be measured before the exposure; a return and a funnel begin with it."""
        return not isinstance(self.formula, Quotient | Completed)

    @property
    def has_days(self) -> bool:
        """Whether it is known how far the metric was on each day; of a funnel only the end is."""
        return not isinstance(self.formula, Completed)

    @property
    def quotient(self) -> tuple[str, str] | None:
        """The columns of numerator and denominator, if the metric is one unit column over another."""
        match self.formula:
            case Quotient(above, below) | Arithmetic("/", Total() | Size() as above, Total() | Size() as below):
                return self.columns[above], self.columns[below]
        return None


class Plan:
    """Everything that the templates need about one experiment and the metrics that are read in it.

    `window` is read instead of the experiment's own: a running experiment ends early. With a `pool`
    it is history: every exposed unit, or those that would be assigned, under the one variant `POOL`.
    """

    crossed = CROSSED

    def __init__(
        self,
        catalog: Catalog,
        experiment: Definition[ExperimentSpec],
        metrics: Iterable[Metric],
        window: tuple[date, date] | None = None,
        pool: Pool | None = None,
    ) -> None:
        self.catalog, self.experiment, self.spec, self.zone = catalog, experiment, experiment.spec, catalog.zone
        self.home, self.pool = self.spec.exposure.source, pool
        self.start, self.until = window or (self.spec.start, self.spec.end)
        self.measures: dict[str, dict[str, Measure]] = {self.home: {}}
        self.units: dict[UnitNode, str] = {}
        self.readings = [self._reading(metric) for metric in metrics]

    def _reading(self, metric: Metric) -> Reading:
        formula = _formula(self.catalog, metric)
        return Reading(metric, formula, {node: self._unit(node) for node in unit_nodes(formula)})

    def _unit(self, node: UnitNode) -> str:
        for leaf in _leaves(node):
            self.measures.setdefault(leaf.source, {})[leaf.id] = leaf
        return self.units.setdefault(node, f"y{len(self.units)}")

    @property
    def days(self) -> int:
        """How many local days are read."""
        return (self.until - self.start).days

    @property
    def past(self) -> timedelta:
        """How far back the past of units reaches: as long as CUPED asks for, else as long as the experiment itself."""
        return self.spec.analysis.cuped or self.spec.end - self.spec.start

    @cached_property
    def tracked(self) -> frozenset[str]:
        """Measures that are kept by day, which takes room: those of primary metrics, and what a return is made of."""
        primary = [each for each in self.readings if each.metric.name in self.spec.metrics.primary]
        nodes = [node for each in primary for node in each.columns]
        nodes += [node for node in self.units if isinstance(node, Returned)]
        return frozenset(leaf.id for node in nodes for leaf in _leaves(node))

    @property
    def funnels(self) -> dict[str, Completed]:
        """Column of the unit table: a funnel whose steps it counts."""
        return {node.column: node for node in self.units if isinstance(node, Completed)}

    @cached_property
    def slices(self) -> dict[str, Dimension]:
        """The dimensions of the home source by which effects are told, and those that stratify."""
        known = self.catalog.source(self.home).spec.dimensions
        return {name: known[name] for name in dict.fromkeys((*self.spec.analysis.by, *self.spec.analysis.stratify))}

    def slice_sql(self, name: str) -> str:
        """A unit's value of a dimension at its first exposure, before it is limited to the most frequent ones."""
        dimension = self.slices[name]
        return value_sql(name, dimension, "") if dimension.bins is not None else raw_value_sql(dimension)

    def scan(self, source: str) -> dict[str, str | None]:
        """How to read a source: its table, time, rows and the SQL of the unit."""
        return {**scan(self.catalog, source), "unit": self._entity(source)}

    def _entity(self, source: str) -> str:
        return parse(self.catalog.source(source).spec.entities[self.spec.entity].sql).sql

    @property
    def apart(self) -> str | None:
        """The entity, where all sources are tables of events: that of a model is whole on every node of a cluster."""
        events = all(self.catalog.source(name).spec.model is None for name in self.measures)
        return self.spec.entity if events else None

    @property
    def variant(self) -> str:
        """SQL of the variant's name for a row of the home source; '' for rows of no variant."""
        if self.pool == "everyone":
            return quote_literal(POOL)
        own = variant_sql(self.experiment, self._entity(self.home))
        return f"if({own} != '', {quote_literal(POOL)}, '')" if self.pool else own

    @property
    def by_unit(self) -> str | None:
        """SQL of the variant of a group of `assay__unit`, where that follows from the unit.

        Of a key itself, the engine would hash each event to drop it before it is grouped; `argMin` is that key, and
        unlike `any` it is not taken for it.
        """
        hashed = isinstance(self.spec.assignment, HashAssignment) and not self.pool
        return variant_sql(self.experiment, "argMin(assay__unit, 0)") if hashed else None

    @property
    def exposed(self) -> str | None:
        return parse(self.spec.exposure.where).sql if self.spec.exposure.where else None

    @property
    def parameters(self) -> dict[str, int | str]:
        before = zone.window(self.start - self.past, self.start, self.zone)["start"]
        window = zone.window(self.start, self.until, self.zone)
        return {**window, "before": before, "first_day": self.start.isoformat()}

    def columns(self, face: Face = "total") -> dict[str, str]:
        """Unit column → SQL over a row of the unit table, and the columns of the past beside all but single days.

        A return is known from the first day on which it is due, so that it has no reading for one day alone.
        """
        of: _SqlOf = (lambda measure: f"y_{measure.id}") if face == "total" else (lambda measure: f"v_{measure.id}")
        last = f"{self.days - 1}" if face == "total" else "assay__day"
        kept = {node: name for node, name in self.units.items() if self._knows(node, face)}
        found = {name: _unit_sql(node, of, last) for node, name in kept.items()}
        past = {f"x_{name}": _unit_sql(node, lambda measure: f"x_{measure.id}", last)
                for node, name in kept.items() if isinstance(node, Total | Size)}  # fmt: skip
        return found if face == "day" else {**found, **past}

    def _knows(self, node: UnitNode, face: Face) -> bool:
        by_day = all(leaf.id in self.tracked for leaf in _leaves(node))
        return isinstance(node, _KNOWN[face]) and (face == "total" or by_day)

    def pairs(self, face: Face = "total") -> list[tuple[str, str]]:
        """Columns whose product is needed: those that meet in one metric."""
        known, found = self.columns(face), dict[tuple[str, str], None]()
        for reading in self.readings:
            names = [name for each in reading.names for name in (each, f"x_{each}") if name in known]
            found |= dict.fromkeys(combinations_with_replacement(sorted(names), 2))
        return list(found)


_KNOWN: Mapping[Face, tuple[type[UnitNode], ...]] = {
    "total": (Total, Size, Returned, Due, Completed),
    "until": (Total, Size, Returned, Due),
    "day": (Total, Size),
}


def _formula(catalog: Catalog, metric: Metric) -> Formula:
    """What is read per unit: the series itself, but for what counts from each unit's own exposure."""
    spec = metric.spec
    if isinstance(spec, FunnelMetric):
        rows = next(leaves(metric.series)).measure.rows
        assert isinstance(rows, Steps), "a funnel has steps"
        return Completed(spec.source, rows, [*spec.steps].index(metric.part) + 1 if metric.part else len(spec.steps))
    if not isinstance(spec, RetentionMetric):
        return metric.series
    returns = catalog.metric(spec.returns).series
    assert isinstance(returns, Size), "returns are counted"
    last = spec.horizon.days if spec.horizon else spec.day
    return Quotient(Returned(returns.members, spec.day, last), Due(last))


def unit_nodes(formula: Formula) -> Iterator[UnitNode]:
    """The nodes of a formula that have one number per unit."""
    if isinstance(formula, Quotient):
        yield formula.above
        yield formula.below
    elif isinstance(formula, Total | Size | Completed):
        yield formula
    elif isinstance(formula, Arithmetic):
        yield from unit_nodes(formula.left)
        yield from unit_nodes(formula.right)


def _leaves(node: UnitNode) -> Iterator[Measure]:
    if isinstance(node, Due | Completed):
        return iter(())
    return (leaf.measure for leaf in leaves(node.members if isinstance(node, Returned) else node))


def _unit_sql(node: UnitNode, of: _SqlOf, until: str) -> str:
    """The number of a unit; `until` is the index of the last day that is read."""
    match node:
        case Total(measure):
            return of(measure)
        case Size(members):
            return f"toFloat64({_member_sql(members, of)})"
        case Completed():
            return f"toFloat64({node.column} >= {node.steps})"
        case Due(days):
            return f"toFloat64(assay__first + {days} <= {until})"
        case Returned(members, first, last):
            back = _member_sql(members, lambda measure: f"d_{measure.id}[assay__first + assay__k + 1]")
            again = f"arrayExists(assay__k -> {back}, range({first}, {last + 1}))"
            return f"toFloat64(assay__first + {last} <= {until} AND {again})"


def _member_sql(node: Node, of: _SqlOf) -> str:
    """Whether a unit is in a set."""
    if isinstance(node, Members):
        return f"({of(node.measure)} > 0)"
    if isinstance(node, Combine):
        return "(" + _BOOLEAN[node.op].format(_member_sql(node.left, of), _member_sql(node.right, of)) + ")"
    raise TypeError(f"no reading per unit for {type(node).__name__}")
