"""From a metric's YAML to its series: one small function per metric type."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import singledispatch
from typing import Any

from assay.catalog import algebra
from assay.catalog.expression import BadExpression, Expression, parse
from assay.catalog.series import (
    Arithmetic,
    Combine,
    Kind,
    Measure,
    Members,
    Number,
    Quantile,
    Series,
    Size,
    Total,
    leaves,
    rolled,
)
from assay.config.definitions import Definition
from assay.config.metric import (
    CountMetric,
    DerivedMetric,
    MeanMetric,
    MetricSpec,
    OverSource,
    QuantileMetric,
    RatioMetric,
    RollingMetric,
    SetMetric,
    SumMetric,
    UniqueMetric,
)
from assay.config.source import SourceSpec
from assay.errors import DefinitionsError, Diagnostic

# ClickHouse types whose values go into a bitmap as they are; those of other types by their hash.
_INTEGER = re.compile(r"(LowCardinality\(|Nullable\()*U?Int(8|16|32|64)\)*")


class Lowering:
    """Everything one metric needs while it is lowered: its sources, the other metrics, and the zone of its days."""

    def __init__(
        self,
        definition: Definition[MetricSpec],
        source: Callable[[str], SourceSpec],
        metric: Callable[[str, Definition[MetricSpec]], Series],
        zone: str,
    ) -> None:
        self.definition, self._source, self._metric, self._zone = definition, source, metric, zone

    def run(self) -> Series:
        """The series. Raises DefinitionsError with a place in the YAML."""
        return lower(self.definition.spec, self)

    def other(self, name: str) -> Series:
        return self._metric(name, self.definition)

    @property
    def _over(self) -> OverSource:
        assert isinstance(self.definition.spec, OverSource), "only metrics over a source have measures"
        return self.definition.spec

    @property
    def source(self) -> SourceSpec:
        return self._source(self._over.source)

    def measure(self, kind: Kind, value: str, condition: str | None, entity: str | None = None) -> Measure:
        source = self.source
        value_of, where = self._parse(value, "value"), self._parse(condition, "where") if condition else None
        base = self._parse(source.where, "source") if source.where else None
        rows = [self._over.source, source.table, source.time, base.normal if base else "", self._zone]
        meaning = "\n".join([*rows, kind, value_of.normal, where.normal if where else ""])
        return Measure(self._over.source, kind, value_of.sql, where.sql if where else None, meaning, entity)

    def _parse(self, text: str, field: str) -> Expression:
        try:
            return parse(text)
        except BadExpression as error:
            raise DefinitionsError(error.at(self.definition.at(field))) from error

    def entity(self, name: str) -> str:
        """SQL of an entity as UInt64: whole numbers as they are, everything else by a 64-bit hash of its text.

        A column declared as an integer needs no look at its text. The text `7` is the number 7, `007` is not.
        """
        source = self.source
        column = source.entities[name]
        if _INTEGER.fullmatch(source.columns.get(column, "").replace(" ", "")):
            return f"toUInt64({column})"
        text = f"toString({column})"
        return f"if(toString(toUInt64OrZero({text})) = {text}, toUInt64OrZero({text}), cityHash64({text}))"

    def refuse(self, code: str, message: str, why: str, fix: str, *path: str) -> DefinitionsError:
        return DefinitionsError(Diagnostic(code, message, why, fix, self.definition.at(*path)))


@singledispatch
def lower(spec: object, _at: Lowering) -> Series:
    """The series of one metric type; a test lists the types without a case here."""
    raise TypeError(f"no lowering for {type(spec).__name__}")


@lower.register
def _(spec: CountMetric, at: Lowering) -> Series:
    return Total(at.measure("sum", "1", spec.where))


@lower.register
def _(spec: SumMetric, at: Lowering) -> Series:
    return Total(at.measure("sum", spec.value, spec.where))


@lower.register
def _(spec: MeanMetric, at: Lowering) -> Series:
    total = Total(at.measure("sum", spec.value, spec.where))  # first, so that a mistake shows what the user wrote
    return Arithmetic("/", total, Total(at.measure("sum", f"isNotNull({spec.value})", spec.where)))


@lower.register
def _(spec: QuantileMetric, at: Lowering) -> Series:
    return Quantile(at.measure("digest", spec.value, spec.where), spec.level)


@lower.register
def _(spec: UniqueMetric, at: Lowering) -> Series:
    return Size(Members(at.measure("unique", at.entity(spec.of), spec.where, entity=spec.of)))


@lower.register
def _(spec: RatioMetric, at: Lowering) -> Series:
    numerator, denominator = at.other(spec.numerator), at.other(spec.denominator)
    for field, part in (("numerator", numerator), ("denominator", denominator)):
        if not isinstance(part, Total | Size):
            raise at.refuse(
                "E301",
                f"The {field} '{getattr(spec, field)}' is not a count, a sum, a unique or a set.",
                "A ratio divides one total by another; a quotient of quotients has no clear meaning.",
                "Use the metrics behind it, or a 'derived' metric.",
                field,
            )
    return Arithmetic("/", numerator, denominator)


@lower.register
def _(spec: SetMetric, at: Lowering) -> Series:
    def members(name: str) -> Members | Combine:
        series = at.other(name)
        if isinstance(series, Size):
            return series.members
        raise at.refuse(
            "E301",
            f"'{name}' is not a set of entities.",
            "Set algebra needs to know who is inside, which a count does not.",
            "Use metrics of type unique or set.",
            "expr",
        )

    def no_numbers(_value: float) -> Members | Combine:
        raise algebra.BadAlgebra("numbers are not sets")

    series = Size(_fold(spec.expr, at, True, members, no_numbers, Combine))
    _same_entity(series, spec, at)
    return series


def _same_entity(series: Series, spec: SetMetric, at: Lowering) -> None:
    entities = sorted({leaf.measure.entity or "" for leaf in leaves(series)})
    if len(entities) > 1:
        raise at.refuse(
            "E301",
            f"'{spec.expr}' mixes the entities {' and '.join(entities)}.",
            "A set holds one kind of thing; two kinds have no members in common.",
            "Use unique metrics of one entity.",
            "expr",
        )


@lower.register
def _(spec: RollingMetric, at: Lowering) -> Series:
    if spec.window % timedelta(days=1):
        raise at.refuse(
            "E301",
            "A rolling window is a whole number of days.",
            "It merges stored daily states.",
            "Write it in days, such as 7d.",
            "window",
        )
    series = rolled(at.other(spec.metric), spec.window.days)
    if series is None:
        raise at.refuse(
            "E301",
            f"'{spec.metric}' cannot roll.",
            "Only a count, a sum or a unique can be merged over days without changing its meaning.",
            "Roll its parts, and divide them in a 'derived' metric.",
            "metric",
        )
    return series


@lower.register
def _(spec: DerivedMetric, at: Lowering) -> Series:
    series: Series = _fold(spec.expr, at, False, at.other, Number, Arithmetic)
    if not any(True for _ in leaves(series)):
        raise at.refuse(
            "E301", f"'{spec.expr}' names no metric.", "A constant has no series.", "Combine metrics by name.", "expr"
        )
    return series


def _fold(text: str, at: Lowering, sets: bool, name: Any, number: Any, join: Any) -> Any:
    try:
        return algebra.fold(text, sets, name, number, join)
    except algebra.BadAlgebra as error:
        raise at.refuse(
            "E401",
            f"The expression '{text}' is not understood: {error}.",
            "It combines metrics by name.",
            "Write 'a | b' for a set, or 'a / b' for a derived metric.",
            "expr",
        ) from error
