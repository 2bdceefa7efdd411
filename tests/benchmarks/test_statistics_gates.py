"""The gates of the statistics' benchmarks at a tiny size, with our side only; nothing here looks at a clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bootstrap, moments, power, replays
from benchmarks.measure import GateFailed
from benchmarks.sides import data, side

pytestmark = pytest.mark.slow


USERS = 4_000


@pytest.fixture(scope="module")
def own() -> Iterator[side.Side]:
    with side.ours() as started:
        yield started


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    return data.save(tmp_path_factory.mktemp("table") / "table.bin", data.table(USERS, 5))


def test_moments_rows_and_columns_give_the_same_intervals(own: side.Side, table: str) -> None:
    assert moments.check(table, own, {}) < 1e-6


def test_replays_of_users_and_buckets_are_fair(own: side.Side, table: str, tmp_path: Path) -> None:
    path = data.save(tmp_path / "users.bin", data.likes_and_views(USERS, 20))
    replays.check(path, table, own, 1_000)


def test_every_bootstrap_gives_the_interval_of_the_delta_method(own: side.Side, tmp_path: Path) -> None:
    values = {name: data.likes_and_views(USERS, seed) for seed, name in enumerate(("control", "treatment"))}
    files = {name: data.save(tmp_path / f"{name}.bin", each) for name, each in values.items()}
    estimates = [each.sum(axis=0) for each in values.values()]
    rates = [likes / views for likes, views in estimates]
    errors = [
        np.var(each[:, 0] - rate * each[:, 1], ddof=1) / USERS / each[:, 1].mean() ** 2
        for each, rate in zip(values.values(), rates, strict=True)
    ]
    middle, reach = rates[1] - rates[0], 1.96 * np.sqrt(sum(errors))
    for task, options in (("ratio", {"test": "bootstrap"}), ("ratio", {"test": "poisson_bootstrap"}), ("buckets", {})):
        found = own.ask(task, **options, **files).answer
        bootstrap.same_ends(task, found, [middle, middle - reach, middle + reach], share=0.03)


def test_power_is_that_of_the_normal_formula(own: side.Side, tmp_path: Path) -> None:
    history = data.likes_and_views(USERS, 1)
    path = data.save(tmp_path / "history.bin", history)
    found = own.ask("power", path=path, effects=[0.01], sizes=[2_000], tests=["welch"], simulations=10_000)
    likes, views = history.T
    rate = likes.sum() / views.sum()
    error = np.std(likes - rate * views) / views.mean() * np.sqrt(2 / 2_000)
    draws = np.random.default_rng(3).normal(0.01, error, 1_000_000)
    power.near("Assay", found.answer[0][0][0][0], float(np.mean(np.abs(draws) > 1.96 * error)), 10_000, errors=4.0)


def test_wrong_answers_are_seen() -> None:
    with pytest.raises(GateFailed, match="power"):
        power.near("somebody", 0.55, 0.50, 10_000)
    with pytest.raises(GateFailed, match="end is off"):
        bootstrap.same_ends("somebody", [0.0, -1.0, 1.1], [0.0, -1.0, 1.0])
    with pytest.raises(GateFailed, match="not uniform"):
        replays.fair("somebody", (np.arange(1, 1_001) / 1_001) ** 2)
    with pytest.raises(GateFailed, match="width"):
        moments.same("somebody", [[0.0, -1.0, 1.0]], [[0.1, -0.9, 1.1]])


def test_a_side_tells_what_went_wrong(own: side.Side) -> None:
    with pytest.raises(GateFailed, match="KeyError: 'nothing'"):
        own.ask("nothing")
