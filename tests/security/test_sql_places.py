"""Every place where a definition holds SQL refuses what is more than one expression; no place is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from assay.catalog.prepare import _fields, _parts
from assay.catalog.resolve import resolve
from assay.config.base import Spec
from assay.config.definitions import KINDS
from assay.config.load import load

SOURCE = """
sources:
  feed:
    table: feed
    time: {time}
    where: {where}
    entities: {{user: {entity}}}
    segments: {{young: {segment}}}
    joins: {{users: {{table: users, key: {key}, 'on': {on}, columns: {{city: String}}}}}}
    dimensions: {{os: {dimension}, age: {{bins: {bins}, cuts: [18]}}}}
"""
METRICS = """
metrics:
  count: {{type: count, source: feed, where: {count_where}}}
  sum: {{type: sum, source: feed, value: {sum_value}}}
  mean: {{type: mean, source: feed, value: {mean_value}}}
  quantile: {{type: quantile, source: feed, value: {quantile_value}, level: 0.5}}
  funnel: {{type: funnel, source: feed, of: user, steps: {{a: {step}, b: b}}}}
  gap: {{type: gap, source: feed, of: user, first: {first}, then: {then}}}
"""
EXPERIMENT = """
experiments:
  test:
    hypothesis: h
    assignment: {{source: feed, column: {column}, variants: {{a: 0, b: 1}}}}
    exposure: {{source: feed, where: {exposed}}}
    start: 2025-08-02
    end: 2025-08-09
    metrics: {{primary: [count]}}
"""
# Place in the texts above: the field of the specs that it fills.
PLACES = {
    "time": "SourceSpec.time",
    "where": "SourceSpec.where",
    "entity": "Entity.columns",
    "segment": "SourceSpec.segments",
    "key": "Join.key",
    "on": "Join.on",
    "dimension": "Dimension.column",
    "bins": "Dimension.bins",
    "count_where": "OverSource.where",
    "sum_value": "SumMetric.value",
    "mean_value": "MeanMetric.value",
    "quantile_value": "QuantileMetric.value",
    "step": "FunnelMetric.steps",
    "first": "GapMetric.first",
    "then": "GapMetric.then",
    "column": "ColumnAssignment.column",
    "exposed": "Exposure.where",
}
ATTACKS = (
    "(SELECT count() FROM system.users)", "a; DROP TABLE feed", "a -- b", "a) FROM url('http://evil/') WHERE (1",
    "file('/etc/passwd')", "{{ ''.__class__ }}", "a SETTINGS readonly = 0", "a IN users", "ELSE",
)  # fmt: skip


def codes(root: Path, place: str = "", sql: str = "") -> set[str]:
    """What is said about the texts with an attack in one place, and a column in the others."""
    filled = dict.fromkeys(PLACES, "a") | ({place: f'"{sql}"'} if place else {})
    (root / "metrics").mkdir()
    (root / "project.yaml").write_text("name: t\n")
    text = "".join(each.format(**filled) for each in (SOURCE, METRICS, EXPERIMENT))
    (root / "metrics" / "all.yaml").write_text(text)
    loaded = load(root, use_cache=False)
    return {each.code for each in (*loaded.diagnostics, *resolve(loaded.definitions, loaded.broken)[1])}


@pytest.mark.parametrize("sql", ATTACKS)
@pytest.mark.parametrize("place", PLACES)
def test_an_attack_is_refused_in_every_place(place: str, sql: str, tmp_path: Path) -> None:
    assert codes(tmp_path, place, sql) & {"E401", "E402", "E403"}


def test_a_column_is_right_in_every_place(tmp_path: Path) -> None:
    assert not codes(tmp_path) & {"E401", "E402", "E403", "E102", "E103", "E104"}


def test_no_place_is_forgotten() -> None:
    inherited = {f"{each}Metric.where" for each in ("Count", "Sum", "Mean", "Quantile", "Unique", "Funnel", "Gap")}
    found = {field for kind in KINDS.values() for model in models(kind) for field in marked(model, set())}
    assert found - inherited == set(PLACES.values()) - {"OverSource.where"}


def models(annotation: Any) -> Iterator[type[Spec]]:
    """The specs that a kind or a field may hold."""
    for each in (annotation, *_parts(annotation)):
        if isinstance(each, type) and issubclass(each, Spec):
            yield each


def marked(model: type[Spec], seen: set[type[Spec]]) -> Iterator[str]:
    """The fields of a spec, and of the specs inside it, that are marked as SQL."""
    if model in seen:
        return
    seen.add(model)
    sql = {name for name, is_sql in _fields(model) if is_sql}
    yield from (f"{model.__name__}.{name}" for name in sql)
    for name, field in model.model_fields.items():
        below = field.annotation if name not in sql or not get_args(field.annotation) else None
        for inner in models(below) if below is not None else ():
            yield from marked(inner, seen)
