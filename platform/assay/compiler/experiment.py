"""The experiment statement: exposures → units → moments, one row per variant (or per variant and day).

What a metric's series is per unit: a total is the unit's own sum, a set is 1 when the unit is a member, and a quotient
stays two columns, so that the delta method can see both. Second moments come from the engine's numerically stable
aggregates, already centred; raw sums of squares would lose everything at a mean of 1e8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations_with_replacement

from assay.catalog.catalog import Catalog, Metric
from assay.catalog.expression import parse, quote_literal
from assay.catalog.series import Arithmetic, Combine, Measure, Members, Node, Series, Size, Total, leaves
from assay.compiler import zone
from assay.compiler.render import read
from assay.compiler.scan import scan
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.statement import Statement

CROSSED = "(crossed)"
_BOOLEAN = {"&": "{0} AND {1}", "|": "{0} OR {1}", "-": "{0} AND NOT {1}"}


@dataclass(frozen=True, slots=True)
class UnitColumn:
    """One number per unit: `name` in the result, `sql` over the columns of the joined sources."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric in an experiment and the unit columns of its parts; `x_<column>` is the same from before the start."""

    metric: Metric
    columns: dict[Total | Size, str]


class Plan:
    """Everything that the template needs about one experiment and the metrics that are read in it.

    `by_day` splits units by local day and allows only metrics of the home source, the source of the exposure.
    """

    crossed = CROSSED

    def __init__(
        self,
        catalog: Catalog,
        experiment: Definition[ExperimentSpec],
        metrics: Iterable[Metric],
        by_day: bool = False,
        covariates: bool = False,
    ) -> None:
        self.catalog, self.experiment, self.spec = catalog, experiment, experiment.spec
        self.by_day, self.covariates, self.zone = by_day, covariates, catalog.zone
        self.home = self.spec.exposure.source
        self.measures: dict[str, dict[str, Measure]] = {self.home: {}}
        self.units: dict[Total | Size, str] = {}
        self.readings = [self._reading(metric) for metric in metrics]

    def _reading(self, metric: Metric) -> Reading:
        return Reading(metric, {node: self._unit(node) for node in unit_nodes(metric.series)})

    def _unit(self, node: Total | Size) -> str:
        for leaf in leaves(node):
            self.measures.setdefault(leaf.measure.source, {})[leaf.measure.id] = leaf.measure
        return self.units.setdefault(node, f"y{len(self.units)}")

    @property
    def columns(self) -> list[UnitColumn]:
        after = [UnitColumn(name, unit_sql(node, "y")) for node, name in self.units.items()]
        before = [UnitColumn(f"x_{name}", unit_sql(node, "x")) for node, name in self.units.items()]
        return after + (before if self.covariates else [])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Columns whose product is needed: those that meet in one metric."""
        found: dict[tuple[str, str], None] = {}
        for reading in self.readings:
            names = list(reading.columns.values())
            names += [f"x_{name}" for name in names] if self.covariates else []
            found |= dict.fromkeys(combinations_with_replacement(sorted(names), 2))
        return list(found)

    def scan(self, source: str) -> dict[str, str | None]:
        """How to read a source: its table, time, rows and the SQL of the unit."""
        unit = parse(self.catalog.source(source).spec.entities[self.spec.entity].sql).sql
        return {**scan(self.catalog, source), "unit": unit}

    @property
    def assigned(self) -> str:
        return f"toString({parse(self.spec.assignment.column).sql})"

    @property
    def exposed(self) -> str | None:
        return parse(self.spec.exposure.where).sql if self.spec.exposure.where else None

    @property
    def labels(self) -> list[str]:
        """The values in the assignment column, as literals, in the order of the variants."""
        return [quote_literal(str(value)) for value in self.spec.assignment.variants.values()]

    @property
    def variants(self) -> list[str]:
        return [quote_literal(name) for name in self.spec.assignment.variants]

    @property
    def parameters(self) -> dict[str, float]:
        before = (self.spec.analysis.cuped if self.covariates else None) or timedelta(0)
        earlier = zone.window(self.spec.start - before, self.spec.start, self.zone)["start"]
        return {**zone.window(self.spec.start, self.spec.end, self.zone), "before": earlier}


def unit_nodes(node: Node) -> Iterator[Total | Size]:
    """The nodes of a series that have one number per unit."""
    if isinstance(node, Total | Size):
        yield node
    elif isinstance(node, Arithmetic):
        yield from unit_nodes(node.left)
        yield from unit_nodes(node.right)


def unit_sql(node: Node, prefix: str) -> str:
    """The number of a unit, over columns named <prefix>_<measure>."""
    if isinstance(node, Total):
        return f"assay__{prefix}_{node.measure.id}"
    if isinstance(node, Members):
        return f"(assay__{prefix}_{node.measure.id} > 0)"
    if isinstance(node, Combine):
        return "(" + _BOOLEAN[node.op].format(unit_sql(node.left, prefix), unit_sql(node.right, prefix)) + ")"
    if isinstance(node, Size):
        return f"toFloat64({unit_sql(node.members, prefix)})"
    raise TypeError(f"no reading per unit for {type(node).__name__}")


def moments(plan: Plan) -> Statement:
    """Columns: variant, (day,) n, then s_<column> sums and c_<a>__<b> centred second moments.

    Units seen in more than one variant are a row of their own, named '(crossed)'.
    """
    return _statement("experiment/moments", f"moments of {plan.experiment.name}", plan)


def pairs(plan: Plan, reading: Reading, least: float) -> Statement:
    """Columns: variant, numerator, denominator, units: how a quotient in 0..1 is spread over units.

    Units with a denominator under `least` say little about their quotient and are left out.
    """
    series = reading.metric.series
    assert isinstance(series, Arithmetic), "only a quotient has pairs"
    numerator, denominator = (reading.columns[part] for part in (series.left, series.right) if part in reading.columns)
    purpose = f"distribution of {reading.metric.name} in {plan.experiment.name}"
    context = {"numerator": numerator, "denominator": denominator}
    return _statement("experiment/pairs", purpose, plan, {"least": least}, **context)


def _statement(
    template: str, purpose: str, plan: Plan, parameters: Mapping[str, float] | None = None, **context: object
) -> Statement:
    bound = plan.parameters | dict(parameters or {})
    return read(template, purpose, bound, plan.experiment.location, plan=plan, **context)


def is_quotient(series: Series) -> bool:
    """Whether the series is one unit column over another."""
    if not isinstance(series, Arithmetic) or series.op != "/":
        return False
    return isinstance(series.left, Total | Size) and isinstance(series.right, Total | Size)
