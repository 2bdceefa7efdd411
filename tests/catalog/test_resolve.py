from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.catalog.catalog import Catalog
from assay.catalog.resolve import depends_on, resolve
from assay.config.load import load
from assay.errors import Diagnostic, UsageError

Resolve = Callable[..., tuple[Catalog, tuple[Diagnostic, ...]]]


def test_all_mistakes_at_once_in_the_order_of_the_file(resolved: Resolve) -> None:
    """More than nine lines, because 10 comes before 9 in a dictionary."""
    lines = [f"  m{n}: {{type: ratio, numerator: none_{n}, denominator: views}}" for n in range(12)]
    found = resolved("metrics:\n" + "\n".join(lines))[1]
    assert [each.location.line for each in found if each.location] == list(range(2, 14))
    assert [each.code for each in found] == ["E201"] * 12


def test_what_depends_on_a_broken_metric_is_not_reported(resolved: Resolve) -> None:
    catalog, found = resolved("""
metrics:
  broken: {type: sum, source: feed, value: "1 +"}
  a: {type: ratio, numerator: broken, denominator: views}
  b: {type: derived, expr: a + broken}
  c: {type: rolling, metric: broken, window: 7d}
  d: {type: set, expr: users - broken}
  e: {type: derived, expr: b * 2}
alerts:
  watch: {metrics: [e, broken], by: [os], route: here}
dashboards:
  main: {tabs: {one: {label: One, metrics: [a, b, c, d, e, broken], by: [os]}}}
""")
    assert [each.code for each in found] == ["E401"]
    assert not {"broken", "a", "b", "c", "d", "e"} & set(catalog.metrics)
    assert "views" in catalog.metrics


def test_what_loading_refused_is_not_reported_again(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "project.yaml").write_text("name: test\n")
    (tmp_path / "metrics" / "all.yaml").write_text("""
sources:
  feed: {table: feed, time: time}
metrics:
  views: {type: count, source: feed}
  bad: {type: counts, source: feed}
  rate: {type: ratio, numerator: bad, denominator: views}
""")
    loaded = load(tmp_path, use_cache=False)
    assert len(loaded.diagnostics) == 2
    assert resolve(loaded.definitions, loaded.broken)[1] == ()
    assert len(resolve(loaded.definitions)[1]) > 0


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_circle_is_reported_once(resolved: Resolve, size: int) -> None:
    circle = [f"  m{n}: {{type: derived, expr: m{(n + 1) % size} * 2}}" for n in range(size)]
    outside = "  a: {type: derived, expr: m0 + 1}\n  z: {type: derived, expr: m0 / views}\n"
    (told,) = resolved("metrics:\n" + outside + "\n".join(circle))[1]
    assert told.code == "E202"
    assert " → ".join([*(f"m{n}" for n in range(size)), "m0"]) in told.message


def test_two_circles_are_two_mistakes(resolved: Resolve) -> None:
    found = resolved("""
metrics:
  a: {type: derived, expr: b}
  b: {type: derived, expr: a}
  c: {type: ratio, numerator: d, denominator: d}
  d: {type: ratio, numerator: c, denominator: views}
""")[1]
    assert [each.code for each in found] == ["E202", "E202"]


def test_a_long_chain_is_no_problem(resolved: Resolve) -> None:
    chain = "\n".join(f"  m{n}: {{type: derived, expr: m{n + 1} * 1}}" for n in range(60))
    catalog, found = resolved(f"metrics:\n{chain}\n  m60: {{type: count, source: feed}}")
    assert found == ()
    assert catalog.metric("m0").sources == ("feed",)


def test_what_a_metric_names(resolved: Resolve) -> None:
    catalog, _ = resolved("""
metrics:
  r: {type: ratio, numerator: likes, denominator: views}
  d: {type: derived, expr: r / users}
  w: {type: rolling, metric: users, window: 7d}
""")
    names = {name: depends_on(catalog.metric(name).definition) for name in ("r", "d", "w", "views")}
    assert names == {"r": ["likes", "views"], "d": ["r", "users"], "w": ["users"], "views": []}


def test_dimensions_of_several_sources_are_those_that_agree(resolved: Resolve) -> None:
    catalog, _ = resolved()
    feed, chat = catalog.metric("views"), catalog.metric("messages")
    assert set(catalog.dimensions([feed])) == {"os", "country", "age"}
    assert set(catalog.dimensions([feed, chat])) == {"os"}
    assert set(catalog.dimensions([])) == set()


@pytest.mark.parametrize(
    ("ask", "code", "hint"),
    [
        (lambda catalog: catalog.metric("vews"), "E201", "Did you mean 'views'?"),
        (lambda catalog: catalog.source("fed"), "E201", "Did you mean 'feed'?"),
        (lambda catalog: catalog.dimension("oss", [catalog.metric("views")]), "E203", "Did you mean 'os'?"),
    ],
)
def test_what_does_not_exist_is_said(resolved: Resolve, ask: Callable[[Catalog], Any], code: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(resolved()[0])
    assert caught.value.diagnostics[0].code == code
    assert hint in caught.value.diagnostics[0].message


def test_labels(resolved: Resolve) -> None:
    catalog, _ = resolved(
        "metrics:\n  like_rate: {type: ratio, numerator: likes, denominator: views}\n"
        "  m: {type: count, source: feed, label: Made}\n"
    )
    assert (catalog.metric("like_rate").label, catalog.metric("m").label) == ("Like rate", "Made")
