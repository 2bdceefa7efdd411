"""A/A replays: healthy tests pass, broken ones are found, and the likely cause is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import Buckets, Estimand, MetricColumns, Quantile, Samples, compare
from assay.stats.replay import AA, Level, aa, aa_many, judge
from assay.stats.subsets import subset_sums

NAMES = ("likes", "views", "likes_before")
MEAN = MetricColumns("likes")
RATIO = MetricColumns("likes", "views")
CUPED = MetricColumns("likes", "views", "likes_before")


def users(n: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    taste = rng.beta(17.2, 64.7, n)
    views, past = (1 + rng.poisson(rng.gamma(2.2, 30, n)) for _ in range(2))
    return np.column_stack([rng.binomial(views, taste), views, rng.binomial(past, taste)]).astype(np.float64)


@pytest.fixture(scope="module")
def feed() -> Samples:
    return Samples.of(NAMES, users(6000))


@pytest.mark.parametrize("metric", [MEAN, RATIO, CUPED], ids=["mean", "ratio", "cuped"])
@pytest.mark.parametrize("split", [0.5, 0.1, (3, 1)], ids=str)
def test_clean_data_is_healthy(feed: Samples, metric: Estimand, split: Any) -> None:
    found = aa(metric, feed, split=split)
    assert (found.verdict, found.causes, found.replays) == ("healthy", (), 10_000)
    assert sum(found.histogram()) == 10_000
    assert found.shape is not None
    assert found.shape.design_effect == pytest.approx(1)


def test_a_replay_is_one_comparison_of_a_random_split() -> None:
    """The random subsets, made visible with one column per unit, give `compare` the same p-values."""
    history = Samples.of(NAMES, users(300, seed=2))
    for metric in (MEAN, RATIO, CUPED):
        found = aa(metric, history, replays=200, split=0.3, seed=5)
        members = subset_sums(np.eye(300, dtype=np.float32), [found_share(0.3)], 200, 5, "aa")[0] == 1
        for member, p in list(zip(members, found.pvalues, strict=True))[:20]:
            arms = (Samples.of(NAMES, history.values[chosen]) for chosen in (~member, member))
            assert p == pytest.approx(compare(metric, *arms).pvalue, rel=1e-3)


def found_share(share: float) -> float:
    return round(share * 65536) / 65536


def test_levels_are_exact_binomial_intervals() -> None:
    values = np.random.default_rng(3).random(2000)
    for level in judge(values).levels:
        theirs = reference.binomtest(int((values < level.alpha).sum()), 2000).proportion_ci(0.999, "exact")
        assert (level.low, level.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)
    assert judge(np.full(200, 0.5)).levels[0].low == 0.0


def test_uniformity_is_kolmogorov_smirnov() -> None:
    values = np.random.default_rng(4).random(400) ** 1.05
    found, theirs = judge(values), reference.kstest(values, "uniform")
    assert found.distance == pytest.approx(theirs.statistic, rel=1e-12)
    assert found.ks_pvalue == pytest.approx(theirs.pvalue, rel=0.03)


def test_a_healthy_test_is_rarely_called_broken() -> None:
    rng = np.random.default_rng(5)
    broken = sum(judge(rng.random(1000)).verdict == "broken" for _ in range(1000))
    assert broken <= 12  # at most 0.4 % by the sum of four tests at 0.1 %, and four standard errors


@pytest.mark.slow
def test_verdicts_on_clean_replays_are_calibrated(feed: Samples) -> None:
    rates = np.array([[each.rate for each in aa(RATIO, feed, seed=seed).levels] for seed in range(60)])
    alphas = np.array([0.01, 0.05, 0.10])
    expected = np.sqrt(alphas * (1 - alphas) / 10_000)
    assert (np.abs(rates.mean(axis=0) - alphas) < 4 * expected / np.sqrt(60) + 0.0005).all()
    assert (rates.std(axis=0, ddof=1) < expected * 1.4).all()  # replays are as good as independent


def test_the_stale_shuffle_of_the_case_study_is_found() -> None:
    """It shuffled an index of 84 % of the users and left the others, who happened to differ, in the control."""
    table = users(3000, seed=6)
    table[2500:, 0] *= 1.1
    rng, values = np.random.default_rng(7), []
    for _ in range(1000):
        control = np.ones(3000, dtype=bool)
        control[rng.permutation(2500)[:1250]] = False
        arms = (Samples.of(NAMES, table[chosen]) for chosen in (control, ~control))
        values.append(compare(RATIO, *arms).pvalue)
    found = judge([p for p in values if p is not None])
    assert found.verdict == "broken"
    assert "differences where there are none" in found.causes[0]


def test_a_rate_as_low_as_the_case_studys_is_not_fine() -> None:
    values = np.concatenate([np.linspace(0.0001, 0.0499, 350), np.linspace(0.0501, 0.9999, 9650)])
    found = judge(values)
    assert found.verdict == "broken"
    assert any(level.alpha == 0.05 and not level.kept and level.rate == 0.035 for level in found.levels)
    assert "misses too much" in found.causes[0]


def test_rows_finer_than_the_split_are_found() -> None:
    """One row per user and day, read as if the days were users: unseen without the users' names, found with them."""
    rng = np.random.default_rng(8)
    days = rng.poisson(np.repeat(rng.gamma(2, 5, 1000), 7)).astype(np.float64)
    history, user = Samples.of(["likes"], days[:, None]), np.repeat(np.arange(1000), 7)
    assert aa(MEAN, history).verdict == "healthy"
    found = aa(MEAN, history, groups=user)
    assert found.verdict == "broken"
    assert found.levels[1].rate > 0.2
    assert found.shape is not None
    table = days.reshape(-1, 7)
    assert found.shape.design_effect == pytest.approx(table.sum(axis=1).var() / (7 * days.var()), rel=1e-9)
    assert "rows that are split together" in found.causes[0]


def test_a_ratio_read_as_a_mean_of_events_is_found_and_the_ratio_is_healthy() -> None:
    table = users(1500, seed=9).astype(int)
    user = np.repeat(np.arange(len(table)), table[:, 1])
    views = np.concatenate([np.arange(v) < k for k, v in table[:, :2]]).astype(np.float64)
    events = Samples.of(["likes"], views[:, None])
    assert "a mean of events as a ratio of sums" in aa(MEAN, events, groups=user, replays=2000).causes[0]
    assert aa(RATIO, Samples.of(NAMES, table), replays=2000).verdict == "healthy"


def test_groups_of_single_rows_change_nothing(feed: Samples) -> None:
    plain, grouped = aa(RATIO, feed, replays=500), aa(RATIO, feed, replays=500, groups=np.arange(feed.n))
    np.testing.assert_allclose(plain.pvalues, grouped.pvalues, rtol=1e-4)


def test_skewed_small_data_is_broken_and_the_cause_is_named() -> None:
    values = np.random.default_rng(10).lognormal(0, 2.5, (300, 1))
    found = aa(MetricColumns("revenue"), Samples.of(["revenue"], values))
    assert found.verdict == "broken"
    assert found.shape is not None
    assert found.shape.skewness == pytest.approx(reference.skew(values[:, 0]), rel=1e-6)
    assert found.shape.needed == round(355 * found.shape.skewness**2)
    assert "too skewed" in found.causes[0]
    assert any("one unit carries" in cause for cause in found.causes)


def test_replays_without_an_answer_are_counted_and_never_reject() -> None:
    values = np.zeros((60, 1))
    values[0] = 1
    found = aa(MetricColumns("x"), Samples.of(["x"], values), replays=1000)
    assert found.verdict == "broken"
    assert np.isfinite(found.pvalues).all()
    rare = np.column_stack([np.arange(60.0), np.arange(60) == 0])
    found = aa(MetricColumns("x", "y"), Samples.of(["x", "y"], rare), replays=1000)
    assert found.shape is not None
    assert found.shape.unanswered == pytest.approx(1)  # one arm never has a denominator
    assert found.causes


def test_buckets_and_many_metrics_at_once() -> None:
    table = users(40_000, seed=11)
    number = np.random.default_rng(12).integers(0, 4096, len(table))
    sums = np.column_stack([np.bincount(number, column, 4096) for column in table.T])
    buckets = Buckets.of(NAMES, np.bincount(number, minlength=4096), sums)
    metrics = {"likes": MEAN, "like_rate": RATIO, "adjusted": CUPED}
    many = aa_many(metrics, buckets, replays=3000)
    for name, metric in metrics.items():
        one = aa(metric, buckets, replays=3000)
        assert one.verdict == many[name].verdict == "healthy"
        np.testing.assert_allclose(one.pvalues, many[name].pvalues, rtol=1e-3, atol=1e-6)
        assert one.shape is not None
        assert one.shape.smaller == 20_000


def test_the_same_seed_gives_the_same_answer(feed: Samples) -> None:
    first, again, other = (aa(RATIO, feed, replays=500, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.pvalues, again.pvalues)
    assert first.levels == again.levels
    assert first.ks_pvalue != other.ks_pvalue


@pytest.mark.parametrize(
    ("metric", "values", "code"),
    [
        (MEAN, np.ones((50, 3)), "W601"),
        (RATIO, users(50) * [1, 0, 1], "W601"),
        (MEAN, users(10), "W601"),
        (MEAN, users(1), "W601"),
        (MEAN, np.where(users(50) > 20, np.nan, users(50)), "W601"),
        (Quantile("likes", 0.5), users(50), "E302"),
        (MetricColumns("nothing"), users(50), "E204"),
    ],
)
def test_a_history_without_an_answer_is_told(metric: Estimand, values: np.ndarray, code: str) -> None:
    with pytest.raises(UsageError, match=code):
        aa(metric, Samples.of(NAMES, values), replays=100)


@pytest.mark.parametrize(
    "wrong",
    [{"test": "mann_whitney"}, {"split": 0.0}, {"split": 1.5}, {"split": (1, 1, 1)}, {"alphas": (1.0,)},
     {"replays": 20}, {"groups": [1, 2]}],
)  # fmt: skip
def test_impossible_requests_are_told(feed: Samples, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        aa(RATIO, feed, **{"replays": 200, **wrong})


@pytest.mark.parametrize("values", [[], [0.5] * 99, [float("nan")] * 200, [0.5] * 200 + [1.1], [-0.1] * 200])
def test_values_that_are_not_pvalues_are_told(values: list[float]) -> None:
    with pytest.raises(UsageError, match="E601"):
        judge(values)


def test_records_are_plain() -> None:
    found = judge(np.linspace(0.0005, 0.9995, 1000))
    assert isinstance(found, AA)
    assert found.levels[0] == Level(0.01, 0.01, pytest.approx(0.0023, abs=1e-3), pytest.approx(0.0264, abs=2e-3))
    assert found.histogram(4) == (250, 250, 250, 250)
    assert found.shape is None
