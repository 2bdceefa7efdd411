"""What one metric needs while it is lowered: its source, the other metrics, and measures made of its SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from assay.catalog.expression import BadExpression, Expression, parse
from assay.catalog.model import Model
from assay.catalog.rows import Rows
from assay.catalog.rules.common import unknown, unknown_entity
from assay.catalog.series import Kind, Measure, Series
from assay.config.definitions import Definition
from assay.config.metric import MetricSpec, OverSource
from assay.config.source import Entity, SourceSpec
from assay.errors import DefinitionsError, Diagnostic

# ClickHouse types whose values go into a bitmap as they are; those of other types by their hash.
_INTEGER = re.compile(r"(LowCardinality\(|Nullable\()*U?Int(8|16|32|64)\)*")
_SMALL = re.compile(r"UInt(8|16|32)")


class Lowering:
    """One metric, with a way to its source and to other metrics, and the zone of its days."""

    def __init__(
        self,
        definition: Definition[MetricSpec],
        source: Callable[[str], Definition[SourceSpec]],
        metric: Callable[[str, Definition[MetricSpec]], Series],
        zone: str,
        models: Mapping[str, Model],
    ) -> None:
        self.definition, self._source, self._metric = definition, source, metric
        self._zone, self._models = zone, models

    def other(self, name: str) -> Series:
        return self._metric(name, self.definition)

    @property
    def _over(self) -> OverSource:
        assert isinstance(self.definition.spec, OverSource), "only metrics over a source have measures"
        return self.definition.spec

    def measure(self, kind: Kind, value: str, entity: str | None = None) -> Measure:
        """An aggregate of the events of the metric's source that match its condition."""
        value_of, where = self.parse(value, "value"), self.condition()
        meaning = [value_of.normal, where.normal if where else ""]
        made = self.made(self._over.source, kind, value_of.sql, meaning, where=where.sql if where else None)
        return made if entity is None else self._counting(made, entity)

    def made(
        self,
        source: str,
        kind: Kind,
        expression: str,
        meaning: Sequence[str],
        where: str | None = None,
        rows: Rows | None = None,
    ) -> Measure:
        """A measure whose `meaning` is told beside what is common to all measures of its source."""
        spec = self._source(source).spec
        base = self.parse(spec.where, "source").normal if spec.where else ""
        joins = [each.model_dump_json() for _, each in sorted(spec.joins.items())]
        below = [self._models[name].fingerprint for name in spec.models if name in self._models]
        text = "\n".join([source, spec.table, spec.time, base, *joins, *below, self._zone, kind, *meaning])
        return Measure(source, kind, expression, where, text, rows=rows)

    def counting(self, source: str, expression: str, entity: str, meaning: Sequence[str], rows: Rows) -> Measure:
        """Distinct entities among rows made of events."""
        return self._counting(self.made(source, "unique", expression, meaning, rows=rows), entity)

    def _counting(self, measure: Measure, entity: str) -> Measure:
        return Measure(
            measure.source,
            measure.kind,
            measure.expression,
            measure.where,
            measure.meaning,
            entity,
            _kind(entity, self._source(measure.source).spec),
            measure.rows,
        )

    def condition(self) -> Expression | None:
        """`where` and the segments of the metric, together."""
        parts = [self.parse(self._over.where, "where")] if self._over.where else []
        parts += [self._segment(name, index) for index, name in enumerate(self._over.segments)]
        if len(parts) < 2:
            return parts[0] if parts else None
        together = " AND ".join(f"({each.sql})" for each in parts)
        normal = " AND ".join(f"({each.normal})" for each in parts)
        return Expression(together, normal, frozenset[str]().union(*(each.columns for each in parts)))

    def _segment(self, name: str, index: int) -> Expression:
        source = self._source(self._over.source)
        if name not in source.spec.segments:
            raise DefinitionsError(
                unknown("segment", name, source.spec.segments, self.definition.at("segments", index))
            )
        return self.parse(source.spec.segments[name], "segments", index)

    def parse(self, text: str, *path: str | int) -> Expression:
        try:
            return parse(text)
        except BadExpression as error:
            raise DefinitionsError(error.at(self.definition.at(*path))) from error

    def entity(self, name: str, source: str | None = None, field: str = "of") -> str:
        """SQL of an entity as UInt64: whole numbers as they are, everything else by a hash of its text.

        A column declared as an integer needs no look at its text. The text `7` is the number 7, `007` is not.
        """
        definition = self._source(source or self._over.source)
        if name not in definition.spec.entities:
            why = "What is counted is an entity of the source."
            raise DefinitionsError(unknown_entity(name, definition, why, self.definition.at(field)))
        return identity(definition.spec.entities[name], definition.spec)

    def together(self, names: Sequence[str]) -> str:
        """SQL of several entities as one."""
        parts = [self.entity(name) for name in names]
        return parts[0] if len(parts) == 1 else _hash(", ".join(parts))

    def refuse(self, message: str, why: str, fix: str, *path: str, code: str = "E301") -> DefinitionsError:
        return DefinitionsError(Diagnostic(code, message, why, fix, self.definition.at(*path)))


def identity(entity: Entity, source: SourceSpec) -> str:
    """SQL of an entity as UInt64."""
    if _packs(entity, source):
        high, low = entity.columns
        return f"bitOr(bitShiftLeft(toUInt64({high}), 32), toUInt64({low}))"
    whole = [_INTEGER.fullmatch(_type(each, source)) is not None for each in entity.columns]
    if len(whole) > 1:
        parts = zip(entity.columns, whole, strict=True)
        return _hash(", ".join(f"toUInt64({col})" if num else f"toString({col})" for col, num in parts))
    (column,) = entity.columns
    if whole[0]:
        return f"toUInt64({column})"
    text = f"toString({column})"
    return f"if(toString(toUInt64OrZero({text})) = {text}, toUInt64OrZero({text}), {_hash(text)})"


def _hash(values: str) -> str:
    """44 bits: a bitmap of them is three times as fast as one of 64, and of a million ids not one pair meets."""
    return f"bitAnd(cityHash64({values}), {2**44 - 1})"


def _packs(entity: Entity, source: SourceSpec) -> bool:
    """Whether two small columns fit into one number: exact, and far denser in a bitmap than hashes are."""
    return len(entity.columns) == 2 and all(_SMALL.fullmatch(_type(each, source)) for each in entity.columns)


def _type(column: str, source: SourceSpec) -> str:
    return source.columns.get(column, "").replace(" ", "")


def _kind(name: str, source: SourceSpec) -> str:
    """The kind of an entity; packed and hashed ids of one kind never meet, so they are two."""
    entity = source.entities[name]
    kind = entity.kind or name
    return f"{kind} in 32-bit parts" if _packs(entity, source) else kind
