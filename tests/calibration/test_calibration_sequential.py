"""Sequential rules and the sequential SRM test, looked at after every day: how often they stop without a reason."""

from __future__ import annotations

from functools import cache
from math import sqrt

import numpy as np
import pytest

from assay.stats import Planned, compare, sequential_srm, stream
from assay.stats.moments import Array
from assay.stats.sequential import RULES, interim, looks
from tests.calibration.measure import known
from tests.calibration.page import ALPHAS, keep, kept, not_above, percent, table
from tests.calibration.shapes import LIKE_RATE, SEED, summarised

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

RUNS, USERS, DAYS = 50_000, 300, 7
WEEKS = 600  # experiments of raw events, which are read by every rule
EFFECT = 3.5  # standard errors at the planned end; a plain test there has a power of 94 %
SPENDING = ("obrien_fleming", "pocock", "power_family")
PEEKING = [name for name in RULES if name != "none"]
every_rule = pytest.mark.parametrize("rule", PEEKING)


@cache
def paths(days: int) -> Array:
    """z after each day of experiments without an effect, whose days bring the same information, shape (RUNS, days)."""
    steps = stream(SEED, "paths", days).standard_normal((RUNS, days))
    return np.asarray(np.cumsum(steps, axis=1) / np.sqrt(np.arange(1, days + 1)))


@cache
def bounds(rule: str, days: int, alpha: float) -> Array:
    """Half the width of the band after each day, in standard errors; it depends on the information only."""
    course = [(float(day), 0.0, 1 / sqrt(day)) for day in range(1, days + 1)]
    found = looks(course, rule, alpha, planned=Planned(looks=days))
    return np.array([known(look.high) / known(look.se) for look in found])


def crossed(rule: str, days: int, alpha: float, drift: float = 0.0) -> tuple[int, float]:
    """How many experiments ever leave the band, and after how many days these do on average."""
    z = paths(days) + drift * np.sqrt(np.arange(1, days + 1) / days)
    beyond = np.abs(z) > bounds(rule, days, alpha)
    ever = beyond.any(axis=1)
    return int(ever.sum()), float(beyond[ever].argmax(axis=1).mean() + 1)


@every_rule
@pytest.mark.parametrize("days", [7, 28])
def test_peeking_every_day(rule: str, days: int) -> None:
    judge = kept if rule in SPENDING else not_above  # spending rules use all of it, mixtures are for any number of days
    for alpha in ALPHAS:
        assert judge(crossed(rule, days, alpha)[0], RUNS, alpha)


@cache
def weeks() -> list[list[tuple[float | None, float | None, float | None]]]:
    """A/A experiments read after each day from all events so far; users arrive evenly, return, and have habits."""
    found = []
    for number in range(WEEKS):
        arms = visits(stream(SEED, "weeks", number))
        days = [[arm[:, arm[0, :, day, 1] > 0, day] for arm in (arms[:1], arms[1:])] for day in range(DAYS)]
        tables = [[summarised(LIKE_RATE.columns, arm)[0] for arm in pair] for pair in days]
        found.append([interim(compare(LIKE_RATE, *pair)) for pair in tables])
    return found


def visits(rng: np.random.Generator) -> Array:
    """Likes and views of each user until each day, shape (2, users, days, 2)."""
    size = (2, USERS, DAYS)
    views = rng.poisson(rng.gamma(1.5, 3, (2, USERS, 1)), size)
    views = np.where(np.arange(DAYS) >= rng.integers(0, DAYS, (2, USERS, 1)), views, 0)
    likes = rng.binomial(views, rng.beta(8, 30, (2, USERS, 1)))
    return np.stack([likes, views], axis=-1).cumsum(axis=2).astype(np.float64)


@cache
def stopped(rule: str) -> int:
    return sum(looks(each, rule, planned=Planned(looks=DAYS))[-1].stopped for each in weeks())


@every_rule
def test_peeking_at_returning_users(rule: str) -> None:
    assert not_above(stopped(rule), WEEKS, 0.05)


SPLIT = {"control": 1.0, "treatment": 1.0}
FAULTY, SRM_RUNS = 0.52, 1500


@cache
def mismatches(share: float, runs: int) -> Array:
    """The p-value after 14 days of 2,000 units."""
    control = stream(SEED, "split", str(share)).binomial(2000, share, (runs, 14)).tolist()
    counts = ([{"control": n, "treatment": 2000 - n} for n in days] for days in control)
    return np.array([known(sequential_srm(days, SPLIT)[-1].pvalue) for days in counts])


def test_a_mismatch_is_found_and_none_is_made_up() -> None:
    for alpha in (*ALPHAS, 0.001):
        assert not_above(int((mismatches(0.5, SRM_RUNS) < alpha).sum()), SRM_RUNS, alpha)
    assert (mismatches(FAULTY, 200) < 0.001).mean() > 0.8


def test_the_page_says_what_was_measured() -> None:
    head = ("rule", "alpha 1 %", "alpha 5 %", "alpha 10 %", "28 days, 5 %", "raw events, 5 %", "power", "mean day")
    plain = [int((np.abs(paths(days)) > 1.96).any(axis=1).sum()) for days in (7, 28)]
    naive = sum(max(abs(known(d) / known(se)) for _, d, se in each) > 1.96 for each in weeks())
    peek = ["a plain test every day", "—", percent(plain[0], RUNS), "—", percent(plain[1], RUNS)]
    rows = [*map(row, PEEKING), [*peek, percent(naive, WEEKS), "—", "—"]]
    clean, faulty = mismatches(0.5, SRM_RUNS), mismatches(FAULTY, 200)
    srm = table(
        ("test", "p < 1 %", "p < 5 %", "p < 10 %", "52 : 48 found at 0.1 %"),
        [["`sequential_srm`", *(percent(int((clean < alpha).sum()), SRM_RUNS) for alpha in ALPHAS),
          percent(int((faulty < 0.001).sum()), 200)]],
    )  # fmt: skip
    keep("sequential", f"{table(head, rows)}\n{srm}")


def row(rule: str) -> list[str]:
    power, day = crossed(rule, 7, 0.05, EFFECT)
    rates = [percent(crossed(rule, 7, alpha)[0], RUNS) for alpha in ALPHAS]
    longer = percent(crossed(rule, 28, 0.05)[0], RUNS)
    return [f"`{rule}`", *rates, longer, percent(stopped(rule), WEEKS), percent(power, RUNS), f"{day:.1f}"]
