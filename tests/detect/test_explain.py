"""The slices behind a change: the case study's outage, ordinary days, small counts and bursts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from assay.detect import Cause, explain

DEAD = ("Moscow", "St Petersburg", "Yekaterinburg", "Novosibirsk")
CITIES = {"Moscow": 2410, "St Petersburg": 767, "Yekaterinburg": 239, "Novosibirsk": 212}
CITIES |= {f"city {at}": 180 for at in range(20)} | {"other": 12_000}
COUNTRIES = [0.85, 0.05, 0.02, 0.02, 0.02, 0.01, 0.01, 0.01, 0.005, 0.005]
Slices = list[tuple[str, float, float]]


def day(seed: int, *, dead: tuple[str, ...] = (), sizes: dict[str, int] = CITIES, burst: int = 1) -> dict[str, Slices]:
    """Feed users of one day against another that is 10 % smaller; dead cities darken their country too.

    `burst` events come together, so that the variance is `burst` times Poisson's.
    """
    rng = np.random.default_rng(seed)
    mean = np.array(list(sizes.values()), dtype=float)
    before, after = rng.poisson(mean), rng.poisson(0.9 * mean)
    gone = np.array([name in dead for name in sizes])
    after[gone] = 0

    def split(shares: list[float], first: int) -> Slices:
        """Split the others at random; the first value holds the dead cities before the outage."""
        old, new = rng.multinomial(before[~gone].sum(), shares), rng.multinomial(after[~gone].sum(), shares)
        old[0] += first
        return [
            (f"value {at}", *map(float, pair)) for at, pair in enumerate(zip(burst * old, burst * new, strict=True))
        ]

    lost = int(before[gone].sum())
    spread = rng.binomial(lost, 0.65)
    second = split([0.65, 0.35], spread)
    second[1] = (second[1][0], second[1][1] + burst * (lost - spread), second[1][2])
    return {
        "os": second,
        "country": split(COUNTRIES, lost),
        "city": [(n, float(burst * b), float(burst * a)) for n, b, a in zip(sizes, before, after, strict=True)],
    }


@pytest.mark.parametrize("seed", range(20))
def test_the_outage_is_named_exactly(seed: int) -> None:
    dimensions = day(seed, dead=DEAD)
    (cause,) = explain(dimensions)
    sizes = {name: before for name, before, _ in dimensions["city"] if name in DEAD}
    assert (cause.dimension, list(cause.values)) == ("city", sorted(sizes, key=sizes.__getitem__, reverse=True))
    lost = sum(sizes.values())
    assert (cause.before, cause.after) == (lost, 0)
    total = sum(after - before for _, before, after in dimensions["city"])
    assert cause.share == pytest.approx(-lost / total)


def test_ordinary_days_have_no_cause() -> None:
    """`alpha` bounds the false names: 1 % of 400 days is 4, and 11 is beyond 3 standard deviations (4 + 3 × 2)."""
    assert sum(bool(explain(day(seed))) for seed in range(400)) <= 10


def test_ordinary_days_of_bursts_too() -> None:
    """An estimated dispersion costs some of the promise: 5 % measured; without it nearly every day has a "cause"."""
    days = [day(seed, burst=30) for seed in range(200)]
    assert sum(bool(explain(each)) for each in days) <= 0.05 * 200 + 3 * np.sqrt(0.05 * 0.95 * 200)
    assert sum(bool(explain(each, dispersion=1.0)) for each in days) > 100


def test_the_outage_is_named_in_events_that_come_in_bursts() -> None:
    """95 % measured; three standard errors of 100 days are allowed below."""
    found = [explain(day(seed, dead=DEAD, burst=30)) for seed in range(100)]
    assert all(each[0].dimension == "city" and set(each[0].values) >= set(DEAD) for each in found)
    assert sum(len(each[0].values) == len(DEAD) for each in found) >= 88


def test_a_small_city_counts_as_well() -> None:
    cities = [("Moscow", 120.0, 118.0), ("Perm", 12.0, 0.0), *((f"city {at}", 20.0, 20.0 + at % 3) for at in range(23))]
    assert explain({"city": [*cities, ("other", 900.0, 880.0)]}) == (Cause("city", ("Perm",), 1.0, 12.0, 0.0),)


def test_four_small_cities_of_twenty_five() -> None:
    sizes = dict.fromkeys([*DEAD, *(f"city {at}" for at in range(20))], 25) | {"other": 600}
    found = [explain(day(seed, dead=DEAD, sizes=sizes)) for seed in range(100)]
    assert np.mean([bool(each) and set(each[0].values) == set(DEAD) for each in found]) > 0.8


def test_a_dead_country_is_a_country_not_its_cities() -> None:
    cities = [(f"city {at}", 500.0, 0.0 if at < 10 else 500.0 + at % 5) for at in range(25)]
    countries = [("A", 5000.0, 0.0), ("B", 4000.0, 4020.0), ("C", 3500.0, 3506.0)]
    assert [each.dimension for each in explain({"city": cities, "country": countries})] == ["country"]


def test_a_surge_is_explained_as_well() -> None:
    cities = [(f"city {at}", 400.0, 396.0 + at % 9) for at in range(24)]
    (cause,) = explain({"city": [*cities, ("Kazan", 100.0, 900.0)]})
    assert (cause.values, cause.before, cause.after) == (("Kazan",), 100.0, 900.0)


def test_a_slice_that_moved_against_the_total_is_no_cause() -> None:
    assert explain({"os": [("iOS", 1000.0, 1500.0), ("Android", 9000.0, 7000.0)]})[0].values == ("Android",)


@pytest.mark.parametrize(
    "slices",
    [
        [],
        [("one", 5.0, 0.0)],
        [("a", 0.0, 0.0), ("b", 0.0, 0.0)],
        [("a", 900.0, 0.0), ("b", 500.0, 0.0)],
        [("a", 0.0, 900.0), ("b", 0.0, 500.0)],
        [("a", 900.0, 100.0), ("b", 100.0, 900.0)],
    ],
    ids=["nothing", "one value", "no events", "everything gone", "everything new", "no change of the total"],
)
def test_nothing_to_tell(slices: Slices) -> None:
    assert explain({"city": slices}) == ()


def test_the_evidence_is_scipys_g_test() -> None:
    """The first of two values is named exactly when G exceeds the one-sided bound over two looks."""
    slices = [("a", 1000.0, 880.0), ("b", 2000.0, 1990.0)]
    table = [[880.0, 1000.0], [1990.0, 2000.0]]
    pvalue = chi2_contingency(table, correction=False, lambda_="log-likelihood").pvalue
    assert explain({"x": slices}, alpha=pvalue * 1.001, dispersion=1.0)
    assert not explain({"x": slices}, alpha=pvalue * 0.999, dispersion=1.0)


counts = st.integers(0, 10_000).map(float)


@given(st.lists(st.tuples(counts, counts), min_size=2, max_size=12), st.randoms())
def test_order_of_slices_and_dimensions_does_not_matter(pairs: list[tuple[float, float]], random: object) -> None:
    slices = [(f"v{at}", *pair) for at, pair in enumerate(pairs)]
    shuffled = list(slices)
    random.shuffle(shuffled)
    straight, mixed = explain({"x": slices}), explain({"x": shuffled})
    assert [(each.before, each.after) for each in straight] == [(each.before, each.after) for each in mixed]


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_impossible_counts_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="city"):
        explain({"city": [("a", bad, 1.0), ("b", 1.0, 1.0)]})


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 1.0}, {"dispersion": 0.0}, {"dispersion": np.nan}])
def test_impossible_parameters_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="alpha"):
        explain({}, **wrong)
