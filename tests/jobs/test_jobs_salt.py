"""The salt search against the same arithmetic on raw events, unit by unit."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from assay import stats
from assay.errors import UsageError, WarehouseError
from assay.jobs.experiments.salt import best_salt
from assay.stats.assign import Split, assign

FILES = {
    "metrics/all.yaml": """
sources:
  app:
    table: RAW.events
    time: at
    entities: {user: user_id}
    dimensions: {os: os}
metrics:
  views: {type: count, source: app, where: "kind = 'view'", good: up}
  likes: {type: count, source: app, where: "kind = 'like'", good: up}
  never: {type: count, source: app, where: "kind = 'never'"}
  ctr: {type: ratio, numerator: likes, denominator: views}
  nothing: {type: ratio, numerator: likes, denominator: never}
experiments:
  button:
    hypothesis: It helps.
    assignment: {salt: old, variants: {control: 1, one: 1, two: 2}, traffic: 10%..90%, layer: feed}
    exposure: {source: app, where: "kind = 'view'"}
    start: 2025-03-08
    end: 2025-03-15
    metrics: {primary: [ctr, likes], secondary: [nothing, never]}
    analysis: {by: [os]}
  column:
    hypothesis: The data decide.
    assignment: {source: app, column: user_id % 2, variants: {control: 0, treatment: 1}}
    exposure: {source: app}
    start: 2025-03-08
    end: 2025-03-15
    metrics: {primary: [ctr]}
"""
}
TABLES = {"events": "at DateTime('UTC'), user_id UInt32, kind String, os String"}
FIRST = datetime(2025, 2, 27, tzinfo=UTC)
NAMES = ("control", "one", "two")


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    rng = random.Random(5)
    found = []
    for user in range(1500):
        os, rate = rng.choice(["ios", "android", "web"]), rng.betavariate(2, 6)
        for _ in range(rng.randrange(1, 20)):
            at = FIRST + timedelta(seconds=rng.randrange(12 * 86_400))
            kind = "like" if rng.random() < rate else "view"
            found.append({"at": at, "user_id": user, "kind": kind, "os": os})
    return found


@pytest.fixture(scope="module")
def shop(lab, events):
    shop = lab.shop(FILES, TABLES)
    shop.load("events", events)
    return shop


def units_of(events: list[dict[str, Any]], start: date, end: date) -> Mapping[int, list[float]]:
    """Unit: views, likes, and one column per operating system, from its first view in the window on."""
    inside = [each for each in events if start <= each["at"].date() < end]
    seen: dict[int, datetime] = {}
    for each in inside:
        if each["kind"] == "view":
            seen[each["user_id"]] = min(each["at"], seen.get(each["user_id"], each["at"]))
    found = {user: [0.0] * 5 for user in seen}
    for each in inside:
        user = each["user_id"]
        if user in seen and each["at"] >= seen[user]:
            found[user][0 if each["kind"] == "view" else 1] += 1
            found[user][2:] = [float(each["os"] == os) for os in ("android", "ios", "web")]
    return found


def imbalance(units: Mapping[int, list[float]], salt: str) -> tuple[float, list[int]]:
    """The largest standardised difference by the linearised ratio, the likes, and the shares of systems."""
    values = np.array(list(units.values()))
    ratio = values[:, 1].sum() / values[:, 0].sum()
    features = np.column_stack([values[:, 1] - ratio * values[:, 0], values[:, 1:]])
    scale = np.sqrt(features.var(axis=0, ddof=1))
    scale[2:] = features[:, 2:].std(axis=0)
    arms = np.array(assign(Split(salt, {"control": 1, "one": 1, "two": 2}, (0.1, 0.9), "feed"), units))
    means = [features[arms == name].mean(axis=0) / scale for name in NAMES]
    counts = [int((arms == name).sum()) for name in NAMES]
    return max(np.abs(mean - means[0]).max() for mean in means[1:]), counts


def test_every_salt_is_judged_as_by_hand(shop, events) -> None:
    answer = best_salt(shop.context, "button", tries=60)
    units = units_of(events, date(2025, 3, 1), date(2025, 3, 8))
    assert answer.units == len(units)
    by_hand = {salt: imbalance(units, salt) for salt in ("old", *(f"button-{n}" for n in range(1, 61)))}
    for each in (answer.found.present, answer.found.best):
        expected, counts = by_hand[each.salt]
        assert each.imbalance == pytest.approx(expected, rel=1e-9)
        assert list(each.counts.values()) == counts
    good = {
        salt: size
        for salt, (size, counts) in by_hand.items()
        if salt != "old"
        and stats.srm(dict(zip(NAMES, counts, strict=True)), {"control": 1, "one": 1, "two": 2}).pvalue >= 0.01
    }
    assert answer.found.rejected == 60 - len(good)
    assert answer.found.best.salt == min(good, key=lambda salt: good[salt])
    assert answer.found.median == pytest.approx(np.median(list(good.values())), rel=1e-9)
    assert answer.found.rank == pytest.approx(np.mean(np.array(list(good.values())) <= by_hand["old"][0]))


def test_what_cannot_be_balanced_is_told(shop) -> None:
    answer = best_salt(shop.context, "button", tries=3, window=(date(2025, 3, 1), date(2025, 3, 4)))
    assert [each.split(":")[0] for each in answer.skipped] == ["nothing", "never"]
    assert answer.features == ("ctr", "likes", "os android", "os ios", "os web")


def test_the_search_says_that_it_is_one(shop) -> None:
    before = shop.at(datetime(2025, 3, 7, tzinfo=UTC))
    assert len(best_salt(before, "button", tries=2).notes) == 1
    assert "would move units" in best_salt(shop.context, "button", tries=2).notes[1]
    assert "Morgan and Rubin" in best_salt(before, "button", tries=2).notes[0]


def test_what_has_no_history(shop) -> None:
    with pytest.raises(UsageError, match="reaches up to 2025-03-09"):
        best_salt(shop.context, "button", window=(date(2025, 3, 1), date(2025, 3, 9)))
    with pytest.raises(WarehouseError, match="Nobody did what exposes"):
        best_salt(shop.context, "button", window=(date(2024, 3, 1), date(2024, 3, 9)))
    with pytest.raises(UsageError, match="from a column"):
        best_salt(shop.context, "column")
    with pytest.raises(UsageError, match="Did you mean 'button'"):
        best_salt(shop.context, "buton")


def test_nothing_is_left_behind(shop) -> None:
    best_salt(shop.context, "button", tries=1)
    assert shop.rows("SELECT name FROM system.tables WHERE name LIKE 'experiment_units%'") == []


def test_too_few_units_for_any_salt(lab) -> None:
    shop = lab.shop(FILES, TABLES)
    shop.load("events", [{"at": FIRST + timedelta(days=4), "user_id": 1, "kind": "view", "os": "web"}])
    with pytest.raises(UsageError, match="W601"):
        best_salt(shop.context, "button", tries=5)
