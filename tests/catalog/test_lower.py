from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from assay.catalog import algebra
from assay.catalog.catalog import Catalog
from assay.catalog.lower import lower
from assay.catalog.rows import Between, Gaps, PerEntity, Steps
from assay.catalog.series import (
    Arithmetic,
    Combine,
    Measure,
    Members,
    Number,
    Quantile,
    Seen,
    Series,
    Size,
    Total,
    Unfit,
    Window,
    leaves,
    present,
    ratio_parts,
    rolled,
    whole,
)
from assay.config.metric import MetricSpec

BASE = """
sources:
  feed:
    table: feed_actions
    time: time
    entities: {user: user_id, post: post_id}
    columns: {user_id: UInt32, post_id: String, time: DateTime, action: String, seconds: Float64}
  chat: {table: messages, time: time, entities: {user: user_id}}
metrics:
  views: {type: count, source: feed, where: "action = 'view'"}
  seconds: {type: sum, source: feed, value: seconds}
  pace: {type: mean, source: feed, value: seconds, where: "action = 'view'"}
  median: {type: quantile, source: feed, value: seconds, level: 0.5}
  users: {type: unique, source: feed, of: user}
  posts: {type: unique, source: feed, of: post}
  senders: {type: unique, source: chat, of: user}
  rate: {type: ratio, numerator: views, denominator: users}
  both: {type: set, expr: users & senders | users - senders}
  week: {type: rolling, metric: users, window: 1w}
  fresh: {type: new, metric: users}
  back: {type: retention, cohort: fresh, returns: users, day: 3}
  back_later: {type: retention, cohort: fresh, returns: users, day: 3, method: rolling, horizon: 14d, at: return}
  life: {type: lifecycle, metric: both}
  steps: {type: funnel, source: feed, of: user, within: 2h, steps: {view: "action = 'view'", like: "action = 'like'"}}
  both_steps: {type: derived, expr: steps + steps.view}
  pause: {type: gap, source: feed, of: [user, post], where: "action = 'view'"}
  reaction: {type: gap, source: feed, of: user, first: "action = 'view'", then: "action = 'like'", level: 0.5}
  own_pace: {type: ratio, numerator: seconds, denominator: views, per: user}
  month: {type: rolling, metric: rate, window: month_to_date}
  wow: {type: derived, expr: "views / offset(views, 7d) - 1"}
  mixed: {type: derived, expr: (views - 1) / -week * 2.5}
"""
Resolve = Callable[..., tuple[Catalog, Any]]


@pytest.fixture
def catalog(resolved: Resolve) -> Catalog:
    found, diagnostics = resolved(base=BASE)
    assert diagnostics == ()
    return found


def test_every_metric_type_has_a_lowering() -> None:
    union = get_args(MetricSpec)[0]
    missing = [each.__name__ for each in get_args(union) if lower.dispatch(each) is lower.dispatch(object)]
    assert missing == []


def test_each_type_becomes_its_series(catalog: Catalog) -> None:
    series = {name: metric.series for name, metric in catalog.metrics.items()}
    views, users, senders = series["views"], series["users"], series["senders"]
    assert isinstance(views, Total)
    assert isinstance(users, Size)
    assert isinstance(senders, Size)
    assert isinstance(users.members, Members)
    assert views.measure == measure("sum", "1", "action = 'view'", views)
    assert series["seconds"] == Total(measure("sum", "seconds", None, series["seconds"]))
    pace = series["pace"]
    assert isinstance(pace, Arithmetic)
    assert [leaf.measure.expression for leaf in leaves(pace)] == ["seconds", "isNotNull(seconds)"]
    assert {leaf.measure.where for leaf in leaves(pace)} == {"action = 'view'"}
    assert series["median"] == Quantile(measure("digest", "seconds", None, series["median"]), 0.5)
    assert users == Size(Members(measure("unique", "toUInt64(user_id)", None, users, "user")))
    assert series["rate"] == Arithmetic("/", views, users)
    # `-` binds tighter than `&`, which binds tighter than `|`
    both = Combine("|", Combine("&", users.members, senders.members), Combine("-", users.members, senders.members))
    assert series["both"] == Size(both)
    week = Size(Members(users.members.measure, Window(-6, 0)))
    assert series["week"] == week
    less = Arithmetic("-", views, Number(1.0))
    minus = Arithmetic("-", Number(0.0), week)
    assert series["mixed"] == Arithmetic("*", Arithmetic("/", less, minus), Number(2.5))


def test_who_is_new_was_never_seen(catalog: Catalog) -> None:
    users = catalog.metric("users").series
    assert isinstance(users, Size)
    assert catalog.metric("fresh").series == Size(Combine("-", users.members, Seen(users.members)))


def test_a_return_is_looked_for_everywhere_and_later(catalog: Catalog) -> None:
    fresh, users = catalog.metric("fresh").series, catalog.metric("users").series
    assert isinstance(fresh, Size)
    assert isinstance(users, Size)
    assert isinstance(users.members, Members)
    back = Members(users.members.measure, Window(3, 3), whole=True)
    assert catalog.metric("back").series == Arithmetic(
        "/", Size(Combine("&", fresh.members, back)), Size(fresh.members)
    )
    windows = {each.window for each in present(catalog.metric("back_later").series) if isinstance(each, Members)}
    assert windows == {Window(-3, -3), Window(0, 11)}


def test_the_parts_of_a_lifecycle_add_up(catalog: Catalog) -> None:
    life = catalog.metric("life")
    assert list(life.parts) == [
        "new", "retained", "resurrected", "churned", "inactive", "churn_rate", "quick_ratio",
    ]  # fmt: skip
    assert life.series == catalog.metric("both").series
    assert catalog.metric("life.churned") is life.parts["churned"]
    assert catalog.metric("life.churned").label == "Life: churned"


def rows_of(series: Series) -> set[Any]:
    return {leaf.measure.rows for leaf in leaves(series)}


def test_rows_are_made_of_events(catalog: Catalog) -> None:
    user, both = "toUInt64(user_id)", "bitAnd(cityHash64(toUInt64(user_id), "
    (steps,) = rows_of(catalog.metric("steps").series)
    assert steps == Steps(user, None, ("action = 'view'", "action = 'like'"), 7200, False)
    assert catalog.metric("steps").series == catalog.metric("steps.like").series
    (pause,) = rows_of(catalog.metric("pause").series)
    assert isinstance(pause, Gaps)
    assert pause.entity.startswith(both)
    assert rows_of(catalog.metric("reaction").series) == {Between(user, None, "action = 'view'", "action = 'like'")}
    own = PerEntity(user, ("seconds", None), ("1", "action = 'view'"))
    assert rows_of(catalog.metric("own_pace").series) == {own}


def test_whole_reads_the_total(catalog: Catalog) -> None:
    both = catalog.metric("both").series
    assert isinstance(both, Size)
    assert all(isinstance(leaf, Members) and leaf.whole for leaf in leaves(whole(both.members)))


def measure(kind: Any, expression: str, where: str | None, like: Any, entity: str | None = None) -> Measure:
    """A measure of the feed; its meaning is what the tests below are about."""
    (leaf,) = leaves(like)
    return Measure("feed", kind, expression, where, leaf.measure.meaning, entity, entity)


@pytest.mark.parametrize(
    ("declared", "hashed"),
    [
        ("UInt8", False), ("Int64", False), ("Nullable(UInt32)", False), ("LowCardinality(Nullable(Int16))", False),
        ("LowCardinality( UInt64 )", False), ("String", True), ("FixedString(16)", True), ("UUID", True),
        ("LowCardinality(Nullable(String))", True), ("UInt128", True), ("Float64", True), ("Enum8('a' = 1)", True),
    ],
)  # fmt: skip
def test_an_id_that_is_no_integer_is_hashed(resolved: Resolve, declared: str, hashed: bool) -> None:
    base = BASE.replace("user_id: UInt32", f'user_id: "{declared}"')
    users = resolved(base=base)[0].metric("users").measures[0]
    assert ("cityHash64" in users.expression) == hashed
    assert hashed or users.expression == "toUInt64(user_id)"


def test_a_whole_number_is_the_same_id_as_text(resolved: Resolve, tmp_path: Path) -> None:
    """Proven by running it: sets of two sources must meet, whatever type the id has there."""
    import chdb

    base = BASE.replace("user_id: UInt32", 'user_id: "Nullable(String)"')
    sql = resolved(base=base)[0].metric("users").measures[0].expression
    values = "arrayJoin(['7', '007', '18446744073709551615', '18446744073709551616', '', 'ann', NULL])"
    handle = chdb.connect(str(tmp_path / "raw"))
    found = str(handle.query(f"SELECT {sql} FROM (SELECT {values} AS user_id)", "TSV")).split()
    handle.close()
    assert (found[0], found[2], found[6]) == ("7", "18446744073709551615", "\\N")
    assert len(set(found)) == 7
    assert all(10**9 < int(found[at]) < 2**44 for at in (1, 3, 4, 5))


def ids(resolved: Resolve, base: str, **more: Any) -> dict[str, list[str]]:
    return {
        name: [each.id for each in metric.measures] for name, metric in resolved(base=base, **more)[0].metrics.items()
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("views: {type: count,", "views: {label: Looks, description: d, owner: me, good: up, tier: 1, type: count,"),
        ("action = 'view'", "( action  =  'view' )"),
        ("action = 'view'", "{{ 'action' }} = 'view'"),
        ("type: sum, source: feed, value: seconds", "type: sum, source: feed, value: (seconds)"),
        ("action: String", "action: LowCardinality(String)"),
        ("entities: {user: user_id, post: post_id}", "entities: {user: user_id, post: post_id, other: action}"),
    ],
)  # fmt: skip
def test_what_people_read_changes_no_measure(resolved: Resolve, old: str, new: str) -> None:
    assert old in BASE
    assert ids(resolved, BASE.replace(old, new)) == ids(resolved, BASE)


def test_renaming_a_metric_changes_no_measure(resolved: Resolve) -> None:
    before, after = ids(resolved, BASE), ids(resolved, BASE.replace("views", "looks"))
    assert after["looks"] == before["views"]


def test_a_renamed_source_is_another_one(resolved: Resolve) -> None:
    """States are kept by source: those of the old name must not be counted beside those of the new one."""
    renamed = BASE.replace("feed:", "stream:").replace("source: feed", "source: stream")
    assert ids(resolved, renamed)["views"] != ids(resolved, BASE)["views"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("action = 'view'", "action = 'like'"),
        ("action = 'view'", "action = 'View'"),
        ("table: feed_actions", "table: other.feed_actions"),
        ("table: feed_actions\n    time: time", "table: feed_actions\n    time: action"),
        ("table: feed_actions", "table: feed_actions\n    where: user_id > 0"),
    ],
)
def test_what_numbers_depend_on_changes_the_measure(resolved: Resolve, old: str, new: str) -> None:
    assert old in BASE
    assert ids(resolved, BASE.replace(old, new))["views"] != ids(resolved, BASE)["views"]


def test_the_zone_of_days_changes_the_measure(resolved: Resolve) -> None:
    assert ids(resolved, BASE, timezone="Europe/Moscow")["views"] != ids(resolved, BASE)["views"]


def test_a_measure_is_stored_once(catalog: Catalog) -> None:
    found = [each.id for metric in catalog.metrics.values() for each in metric.measures]
    stored = [each for measures in catalog.measures.values() for each in measures]
    assert sorted(stored) == sorted(set(found))
    assert len(found) > len(stored)


def test_leaves_come_left_to_right_with_repetitions(catalog: Catalog) -> None:
    names = {catalog.metric(name).measures[0].id: name for name in ("users", "senders")}
    found = [names[leaf.measure.id] for leaf in leaves(catalog.metric("both").series)]
    assert found == ["users", "senders", "users", "senders"]


def test_only_what_merges_rolls(catalog: Catalog) -> None:
    series = {name: metric.series for name, metric in catalog.metrics.items()}
    week = Window(-6, 0)
    total = Total(catalog.metric("seconds").measures[0], week)
    assert rolled(series["seconds"], week) == total
    rate = rolled(series["rate"], week)
    assert {leaf.window for leaf in leaves(rate)} == {week}
    for name in ("week", "mixed", "fresh", "both_steps"):
        with pytest.raises(Unfit):
            rolled(series[name], week)


def test_the_parts_of_a_quotient(catalog: Catalog) -> None:
    rate = catalog.metric("rate").series
    assert ratio_parts(rate) == (catalog.metric("views").series, catalog.metric("users").series)
    assert ratio_parts(catalog.metric("mixed").series) is None
    assert ratio_parts(catalog.metric("views").series) is None


class Text:
    """Builds the expression again, with all its brackets."""

    def name(self, name: str) -> str:
        return name

    def number(self, value: float) -> str:
        return str(value)

    def join(self, op: str, left: str, right: str) -> str:
        return f"({left} {op} {right})"

    def offset(self, value: str, days: int) -> str:
        return f"{value}[{days:+d}]"


def fold(text: str, sets: bool = False) -> str:
    return algebra.fold(text, sets, Text())


@pytest.mark.parametrize(
    ("text", "sets", "read"),
    [
        ("a", True, "a"),
        ("a | b & c - d", True, "(a | (b & (c - d)))"),
        ("(a | b) - c", True, "((a | b) - c)"),
        ("a - b - c", True, "((a - b) - c)"),
        ("a + b * c / 2", False, "(a + ((b * c) / 2.0))"),
        ("-a", False, "(0.0 - a)"),
        ("  1.5 * a\n", False, "(1.5 * a)"),
        ("a / offset(a + b, 7d)", False, "(a / (a + b)[-7])"),
        ("a & offset(b, 2w)", True, "(a & b[-14])"),
        ("life.new + life.churned", False, "(life.new + life.churned)"),
    ],
)
def test_algebra_is_read_as_python_reads_it(text: str, sets: bool, read: str) -> None:
    assert fold(text, sets) == read


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("", False), ("a +", False), ("a & b", False), ("a + b", True), ("a - 1", True), ("-a", True), ("f(a)", False),
        ("a.b.c", False), ("f().b", False), ("a[0]", False), ("'a'", False), ("a if b else c", False),
        ("a ** b", False), ("a // b", False),
        ("lambda: a", False), ("a; b", False), ("a = b", False), ("[a]", False), ("True", False), ("None", False),
        ("1j", False), ("a < b", False), ("a and b", False), ("(" * 500 + "a" + ")" * 500, False),
        ("a\0", False), ("1e999 * a", False), ("offset(a)", False), ("offset(a, 7)", False), ("offset(a, 7m)", False),
        ("offset(a, b)", False), ("offset(a, 7d, 7d)", False), ("offset(a, days=7d)", False), ("offset(7d, a)", True),
    ],
)  # fmt: skip
def test_anything_else_is_bad_algebra(text: str, sets: bool) -> None:
    with pytest.raises(algebra.BadAlgebra):
        fold(text, sets)


def test_the_names_in_algebra() -> None:
    assert algebra.names("a / (b + a) * 2") == ["a", "b", "a"]
    assert algebra.names("offset(a, 7d) - life.new") == ["a", "life.new"]
    assert algebra.names("a /") == []
