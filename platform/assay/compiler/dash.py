"""Wide tables for BI tools: one row per day and slice, and expressions that never add what must not be added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from assay.catalog.catalog import Metric
from assay.catalog.expression import quote_identifier
from assay.catalog.series import NOW, Arithmetic, Number, Series, Total, ratio_parts
from assay.compiler.render import read, write
from assay.compiler.states import DAY
from assay.statement import Statement

KEYS = ("day", "slice", "dimension", "value")


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    comment: str


def column_name(metric: Metric) -> str:
    """A step of a funnel is `funnel__step`: a dot would name a table."""
    return metric.name.replace(".", "__")


def columns(metric: Metric) -> list[Column]:
    """The value of a metric and, for a quotient, its two parts."""
    name, label = column_name(metric), metric.label
    if ratio_parts(metric.series) is None:
        return [Column(name, label)]
    parts = [Column(f"{name}__{part}", f"{label}: {part}") for part in ("numerator", "denominator")]
    return [Column(name, label), *parts]


def create(table: str, metrics: Sequence[Metric]) -> Statement:
    """The wide table of some metrics, under any name."""
    found = [column for metric in metrics for column in columns(metric)]
    return write("dash/create", f"create {table}", table=table, columns=found)


def create_weeks(table: str) -> Statement:
    """The table of some lifecycles, under any name."""
    return write("dash/create_weeks", f"create {table}", table=table)


def create_cohorts(table: str) -> Statement:
    """The table of the cohorts of some metrics, under any name."""
    return write("dash/create_cohorts", f"create {table}", table=table)


def values(database: str, sources: Sequence[str], dimensions: Sequence[str], start: date, end: date) -> Statement:
    """Columns: dimension, values: how many there are in the local days [start, end)."""
    told = {"sources": list(sources), "dimensions": list(dimensions), "grain": DAY, "start": start, "end": end}
    return read("dash/values", "count the values of dimensions", told, database=database)


def exact(metric: Metric) -> str:
    """SQL of a metric over the rows of a group: NULL where these rows cannot be put together.

    Sums are added over days and over the values of one dimension, quotients of sums are divided after that, and
    everything else (uniques, quantiles, windows) is known on its own day and slice only.
    """
    name, parts = column_name(metric), ratio_parts(metric.series)
    if parts and all(map(_additive, parts)):
        above, below = (quote_identifier(f"{name}__{part}") for part in ("numerator", "denominator"))
        return _if(
            f"{_one('dimension')} AND {_whole(above)} AND {_whole(below)}", f"sum({above}) / nullIf(sum({below}), 0)"
        )
    column = quote_identifier(name)
    if _additive(metric.series):
        return _if(f"{_one('dimension')} AND {_whole(column)}", f"sum({column})")
    return _if("count() = 1", f"max({column})")


def latest(metric: Metric) -> str:
    """SQL of a metric on the last day of a slice; NULL over several slices.

    A quotient waits for its denominator: the last day of a retention is the one whose cohort is old enough.
    """
    name = column_name(metric)
    column = f"tuple({quote_identifier(name)})"
    if ratio_parts(metric.series) is None:
        return _if(_one("slice"), f"argMax({column}, day).1")
    known = f"isNotNull({quote_identifier(f'{name}__denominator')})"
    return _if(_one("slice"), f"argMaxIf({column}, day, {known}).1")


def _if(condition: str, value: str) -> str:
    return f"if({condition}, {value}, NULL)"


def _one(column: str) -> str:
    return f"uniqExact({column}) = 1"


def _whole(column: str) -> str:
    """A withheld day makes a sum unknown, not smaller."""
    return f"count() = count({column})"


def _additive(node: Series) -> bool:
    """Whether the values of two days or of two slices add up to the value of both."""
    if isinstance(node, Total):
        return node.window == NOW
    if not isinstance(node, Arithmetic) or node.op == "/":
        return False
    if node.op == "*":
        return any(_additive(one) and isinstance(other, Number) for one, other in _both_ways(node))
    return _additive(node.left) and _additive(node.right)


def _both_ways(node: Arithmetic) -> tuple[tuple[Series, Series], tuple[Series, Series]]:
    return (node.left, node.right), (node.right, node.left)
