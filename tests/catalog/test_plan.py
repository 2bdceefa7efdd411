"""What a change of definitions is called, and who reads it: on small projects, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from assay.catalog.manifest import Manifest, from_json
from assay.catalog.meaning import TEXT, manifest
from assay.catalog.plan import NOTHING, Change, compare
from assay.project import Project

TODAY = date(2025, 3, 5)
FILE = """
sources:
  feed:
    table: feed
    time: at
    entities: {user: user_id}
    dimensions: {city: city}
    lateness: 1d
metrics:
  views: {type: count, source: feed, where: "kind = 'view'"}
  likes: {type: count, source: feed, where: "kind = 'like'", label: Likes}
  ctr: {type: ratio, numerator: likes, denominator: views, good: up}
  twice: {type: derived, expr: 2 * ctr}
  users: {type: unique, source: feed, of: user}
experiments:
  button:
    hypothesis: More likes.
    assignment: {source: feed, column: user_id % 2, variants: {control: 0, treatment: 1}}
    exposure: {source: feed}
    start: 2025-03-01
    end: 2025-03-08
    metrics: {primary: [ctr], secondary: [likes]}
    validity: [srm]
alerts:
  watch: {metrics: [likes], every: 1h, route: nobody}
routes:
  nobody: {outbox: {path: outbox}}
reports:
  daily: {title: Daily, route: nobody, blocks: [{type: cards, title: All, metrics: [twice]}]}
dashboards:
  board: {tabs: {all: {label: All, metrics: [users]}}}
"""

Make = Callable[..., Manifest]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The manifest of FILE with some texts replaced."""

    def made(*edits: tuple[str, str], settings: str = "name: shop\n", today: date = TODAY) -> Manifest:
        text = FILE
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new)
        (tmp_path / "metrics").mkdir(exist_ok=True)
        (tmp_path / "project.yaml").write_text(settings, encoding="utf-8")
        (tmp_path / "metrics" / "all.yaml").write_text(text, encoding="utf-8")
        return manifest(Project.load(tmp_path).catalog, today)

    return made


def _changes(make: Make, *edits: tuple[str, str], settings: str = "name: shop\n") -> dict[str, Change]:
    found = compare(make(), make(*edits, settings=settings), TODAY).changes
    return {f"{each.what} {each.name}": each for each in found}


def _readers(change: Change) -> set[tuple[str, str, str | None]]:
    return {(each.kind, each.name, each.status) for each in change.readers}


LIKES = ("kind = 'like'", "kind = 'like' AND city = 'A'")


def test_a_manifest_is_read_back_as_it_was(make: Make) -> None:
    found = make()
    assert from_json(found.as_json()) == found
    assert found.entries["metric", "ctr"].reads == (("metric", "likes"), ("metric", "views"))
    assert found.entries["experiment", "button"].window == ("2025-03-01", "2025-03-08")
    assert found.pins["button"].keys() == {"ctr", "likes"}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2, "entries": [], "pins": {}}', '{"version": 1}'])
def test_what_is_no_manifest_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text)


def test_a_changed_filter_is_one_change_with_everything_that_reads_it(make: Make) -> None:
    (change,) = _changes(make, LIKES).values()
    assert (change.what, change.kind, change.name) == ("meaning", "metric", "likes")
    assert _readers(change) == {
        ("metric", "ctr", "changes"),
        ("metric", "twice", "changes"),
        ("experiment", "button", "running"),
        ("alert", "watch", None),
        ("report", "daily", None),
    }
    assert change.backfill.days is None, "only the warehouse knows"
    assert len(change.measures) == 1


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (("label: Likes", "label: Hearts"), "likes"),
        (("good: up", "good: down, description: Likes per view."), "ctr"),
        (("kind = 'like'", "(kind  =  'like')"), "likes"),
        (("More likes.", "Many more likes."), "button"),
        (("title: All, metrics", "title: Everything, metrics"), "daily"),
    ],
)
def test_words_and_spaces_are_text_only(make: Make, edit: tuple[str, str], name: str) -> None:
    (change,) = _changes(make, edit).values()
    assert (change.what, change.name) == ("text", name)
    assert change.backfill == NOTHING


def test_moving_a_definition_and_writing_a_default_changes_nothing(make: Make) -> None:
    assert _changes(make, ("metrics:\n", "\n\nmetrics:\n")) == {}
    assert (
        _changes(
            make, ("{type: unique, source: feed, of: user}", "{of: user, type: unique, source: feed, format: number}")
        )
        == {}
    )


def test_new_and_removed(make: Make) -> None:
    found = _changes(
        make,
        (
            "  users: {type: unique, source: feed, of: user}",
            "  fans: {type: unique, source: feed, of: user, where: city = 'A'}",
        ),
        ("metrics: [users]", "metrics: [fans]"),
    )
    assert found.keys() == {"removed users", "new fans", "meaning board"}
    assert _readers(found["removed users"]) == {("dashboard", "board", None)} == _readers(found["new fans"])
    assert found["removed users"].backfill == NOTHING
    assert found["new fans"].measures


def test_a_new_metric_over_known_aggregates_needs_nothing(make: Make) -> None:
    found = _changes(make, ("metrics:\n", "metrics:\n  mine: {type: ratio, numerator: likes, denominator: users}\n"))
    assert found["new mine"].backfill == NOTHING


def test_a_renamed_metric_with_its_readers_is_no_change_of_meaning(make: Make) -> None:
    renamed = ("  likes: {type", "  hearts: {renamed_from: likes, type")
    readers = [
        ("numerator: likes", "numerator: hearts"),
        ("secondary: [likes]", "secondary: [hearts]"),
        ("metrics: [likes]", "metrics: [hearts]"),
    ]
    found = _changes(make, renamed, *readers)
    assert found.keys() == {"renamed hearts", "text ctr", "text button", "text watch"}
    assert found["renamed hearts"].renamed_from == "likes"
    assert all(each.backfill == NOTHING for each in found.values())
    old, new = make(), make(renamed, *readers)
    assert compare(old, new, TODAY).refused == ()
    changed = compare(old, make(renamed, *readers, LIKES), TODAY)
    assert {(each.metric, each.because) for each in changed.refused} == {("ctr", ("hearts",)), ("hearts", ())}


def test_a_name_that_was_never_applied_is_noted(make: Make) -> None:
    found = compare(
        make(), make(("metrics:\n", "metrics:\n  mine: {type: count, source: feed, renamed_from: hers}\n")), TODAY
    )
    assert [each.what for each in found.changes] == ["new"]
    assert "'hers'" in found.notes[0]
    again = make(("label: Likes", "renamed_from: hearts"))
    assert compare(again, again, TODAY).notes == (), "the line of an older rename may stay"


@pytest.mark.parametrize("edit", [("table: feed", "table: feed_2"), ("time: at", "time: at\n    where: city != ''")])
def test_a_changed_source_changes_all_its_metrics_along(make: Make, edit: tuple[str, str]) -> None:
    (change,) = _changes(make, edit).values()
    assert (change.what, change.name) == ("meaning", "feed")
    changing = {name for kind, name, status in _readers(change) if status == "changes"}
    assert changing == {"views", "likes", "ctr", "twice", "users"}
    assert {("report", "daily", None), ("dashboard", "board", None)} <= _readers(change)


def test_a_new_dimension_changes_no_metric(make: Make) -> None:
    (change,) = _changes(make, ("{city: city}", "{city: city, kind: kind}")).values()
    assert (change.what, change.name) == ("meaning", "feed")
    assert "changes" not in {status for _, _, status in _readers(change)}
    assert change.backfill != NOTHING


def test_the_zone_changes_every_day(make: Make) -> None:
    (change,) = _changes(make, settings="name: shop\ntimezone: Europe/Moscow\n").values()
    assert (change.kind, change.name) == ("project", "timezone")
    assert ("metric", "twice", "changes") in _readers(change)


def test_an_unexplained_change_of_meaning_is_told_by_itself(make: Make) -> None:
    """Such as another version of Assay, which reads the same definitions otherwise."""
    new = make()
    likes = replace(make(LIKES).entries["metric", "likes"], own=new.entries["metric", "likes"].own)
    entries = dict(new.entries) | {likes.key: likes}
    found = compare(Manifest(entries), new, TODAY).changes
    assert [(each.what, each.name) for each in found] == [("meaning", "likes")]


def test_metrics_that_check_each_other_are_no_endless_circle(make: Make) -> None:
    edits = (
        ("label: Likes", "checks: {equals: views}"),
        ("kind = 'view'\"", "kind = 'view'\", checks: {equals: likes}"),
    )
    found = _changes(make, *edits)
    assert found.keys() == {"text likes", "text views"}


@pytest.mark.parametrize(
    ("today", "refused"),
    [(date(2025, 2, 28), False), (date(2025, 3, 1), True), (date(2025, 3, 7), True), (date(2025, 3, 8), False)],
)
def test_only_a_running_experiment_refuses(make: Make, today: date, refused: bool) -> None:
    found = compare(make(today=today), make(LIKES, today=today), today)
    assert {each.metric for each in found.refused} == ({"ctr", "likes"} if refused else set())
    assert compare(make(today=today), make(LIKES, today=today), today, ["button"]).refused == ()


def test_a_reason_names_what_has_changed(make: Make) -> None:
    found = compare(make(), make(LIKES), TODAY)
    assert {each.metric: each.reason for each in found.refused} == {
        "ctr": "ctr would change its meaning, because of likes",
        "likes": "likes would change its meaning",
    }


def test_the_first_plan_is_all_new(make: Make) -> None:
    found = compare(None, make(), TODAY)
    assert found.first
    assert {each.what for each in found.changes} == {"new"}
    assert compare(make(), make(), TODAY).changes == ()


def test_texts_are_fields_of_the_language() -> None:
    """A misspelt or renamed field would silently become a change of meaning."""
    from assay.config.base import Described
    from assay.config.block import CardsBlock as Block
    from assay.config.experiment import ExperimentSpec
    from assay.config.metric import CountMetric
    from assay.config.source import SourceSpec

    fields = (Described, ExperimentSpec, CountMetric, Block, SourceSpec)
    assert set().union(*(each.model_fields for each in fields)) >= TEXT
