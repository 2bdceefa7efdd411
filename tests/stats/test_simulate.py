"""Monte Carlo power: against the formula, against the exact bootstrap, and against one comparison at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import Buckets, Derived, Estimand, MetricColumns, Quantile, Samples, compare, plan, unit_sd
from assay.stats.batch import STATISTICS, Batch, Pair, critical, pvalues
from assay.stats.pool import Pool
from assay.stats.simulate import power_surface
from assay.stats.subsets import resample_sums, subset_sums

NAMES = ("likes", "views", "likes_before", "views_before")
MEAN = MetricColumns("likes")
RATIO = MetricColumns("likes", "views")
CUPED = MetricColumns("likes", "views", "likes_before", "views_before")
METRICS: dict[str, Estimand] = {
    "mean": MEAN,
    "mean_cuped": replace(MEAN, numerator_covariate="likes_before"),
    "ratio": RATIO,
    "ratio_cuped": CUPED,
    "derived": Derived(
        ("likes", "views"), lambda m: m["likes"] - 0.1 * m["views"], lambda _: {"likes": 1.0, "views": -0.1}
    ),
}


def users(n: int, seed: int = 1) -> np.ndarray:
    """The case study's feed: views with mean 67 and sd 45, a like rate per user with mean 0.21 and sd 0.045."""
    rng = np.random.default_rng(seed)
    taste = rng.beta(17.2, 64.7, n)
    views, past = (1 + rng.poisson(rng.gamma(2.2, 30, n)) for _ in range(2))
    return np.column_stack([rng.binomial(views, taste), views, rng.binomial(past, taste), past]).astype(np.float64)


@pytest.fixture(scope="module")
def feed() -> Samples:
    return Samples.of(NAMES, users(13_000))


@pytest.mark.parametrize("label", METRICS)
@pytest.mark.parametrize("lift", [0.0, 0.1])
def test_a_batch_computes_what_compare_computes(label: str, lift: float) -> None:
    """One pair of arms out of a pool, to the precision of single floats."""
    metric, table = METRICS[label], users(900, seed=2)
    pool = Pool.of(metric, Samples.of(NAMES, table))
    sums = pool.products().astype(np.float64)
    pair = Pair.of(*(Batch.of(pool, part.sum(axis=0)[None]) for part in (sums[:400], sums[400:])))
    lifted = table[400:] * np.array([1 + lift, 1, 1, 1])
    effect = compare(metric, Samples.of(NAMES, table[:400]), Samples.of(NAMES, lifted))
    contrast = pair.contrast(lift if pool.scales else 0.0, 0 if pool.scales else lift * table[400:, 0].mean())
    t, df = STATISTICS["welch"](contrast)
    assert effect.difference == pytest.approx(contrast.difference[0], rel=1e-3, abs=2e-6)
    if pool.scales or lift == 0:  # a shift leaves the variance alone
        assert (effect.se, effect.df) == pytest.approx((np.abs(contrast.difference[0] / t[0]), df[0]), rel=1e-4)
        assert effect.pvalue == pytest.approx(pvalues(t, df)[0], rel=1e-2)


def test_student_and_z_agree_with_scipy(feed: Samples) -> None:
    likes = feed.column("likes")
    pool = Pool.of(MEAN, feed)
    sums = pool.products().astype(np.float64)
    contrast = Pair.of(
        *(Batch.of(pool, sums[part].sum(axis=0)[None]) for part in (slice(60), slice(60, 200)))
    ).contrast()
    t, df = STATISTICS["student"](contrast)
    theirs = reference.ttest_ind(likes[60:200], likes[:60])
    assert (t[0], df[0], pvalues(t, df)[0]) == pytest.approx((theirs.statistic, theirs.df, theirs.pvalue), rel=1e-4)
    z, infinite = STATISTICS["z"](contrast)
    assert pvalues(z, infinite)[0] == pytest.approx(2 * reference.norm.sf(abs(z[0])), rel=1e-9)


def test_tests_mean_what_they_mean_in_compare(feed: Samples) -> None:
    """On a ratio Student's stand-in is the delta method; z has no degrees of freedom."""
    surface = power_surface(RATIO, feed, [0.01], [100], tests=("delta", "welch", "student", "linearization", "z"))
    delta, welch, student, linearization, z = surface.power[:, 0, 0, 0]
    assert delta == welch == student == linearization < z


@pytest.mark.parametrize("df", [np.linspace(2, 30, 500), np.linspace(400, 900, 500), np.full(3, np.inf)])
def test_critical_values(df: np.ndarray) -> None:
    np.testing.assert_allclose(critical(df, 0.05), reference.t.isf(0.025, df), rtol=2e-3)


def test_normal_data_agrees_with_the_formula() -> None:
    history = Samples.of(["x"], np.random.default_rng(3).normal(100, 10, (5000, 1)))
    surface = power_surface(
        MetricColumns("x"), history, np.linspace(0, 2, 9), [400, 800, 1500], alphas=(0.01, 0.05), tests=("welch", "z")
    )
    assert surface.power.shape == (2, 2, 3, 9)
    expected = np.sqrt(surface.analytic * (1 - surface.analytic) / surface.simulations)
    assert (np.abs(surface.power - surface.analytic) < 4.5 * expected).all()  # 108 dependent comparisons
    se = surface.sd_effect / np.sqrt(surface.simulations)
    assert (np.abs(surface.mean_effect - surface.effects) < 4 * se).all()


@pytest.mark.slow
def test_the_case_studys_sizes(feed: Samples) -> None:
    """About 830 users an arm for 80 %, 1,110 for 90 %, at 0.01 like rate; a little more, for a lift adds variance."""
    surface = power_surface(RATIO, feed, [0.0036, 0.01], [600, 800, 1000, 1200, 6500])
    found = [surface.smallest_n(0.01, power) for power in (0.8, 0.9)]
    assert found == pytest.approx([830, 1110], rel=0.1)
    lifted = (1 + (1 + 0.01 / surface.baseline) ** 2) / 2
    assert found == pytest.approx(
        [plan(unit_sd(RATIO, feed.moments()), effect=0.01, power=p).n_control * lifted for p in (0.8, 0.9)], rel=0.03
    )
    assert surface.smallest_effect(6500) == pytest.approx(0.0036, rel=0.05)


def exact_bootstrap(table: np.ndarray, n: int, lift: float, simulations: int) -> float:
    """Power of the delta method on rows drawn one by one; written without any of the engine's parts."""
    rng, rejected = np.random.default_rng(4), 0
    for _ in range(simulations):
        arms = [table[rng.integers(0, len(table), n)] for _ in range(2)]
        arms[1] = arms[1] * np.array([1 + lift, 1])
        ratios = [arm[:, 0].sum() / arm[:, 1].sum() for arm in arms]
        errors = [
            (arm[:, 0] - r * arm[:, 1]).var(ddof=1) / n / arm[:, 1].mean() ** 2
            for arm, r in zip(arms, ratios, strict=True)
        ]
        rejected += abs(ratios[1] - ratios[0]) / np.sqrt(sum(errors)) > reference.t.isf(0.025, 2 * n - 2)
    return rejected / simulations


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "pool"), [pytest.param(60, 2000, id="exact"), (700, 500), (900, 5000), (2000, 9000)]
)  # fmt: skip
@pytest.mark.parametrize("tail", [0.5, 1.5], ids=["plain", "heavy"])
def test_agrees_with_the_exact_bootstrap(n: int, pool: int, tail: float) -> None:
    """Within three Monte Carlo standard errors, on a ratio of log-normal sums."""
    rng = np.random.default_rng(5)
    views = rng.gamma(2.2, 30, pool) + 1
    table = np.column_stack([views * rng.lognormal(0, tail, pool), views])
    history = Samples.of(["a", "b"], table)
    ratio = MetricColumns("a", "b")
    wanted = power_surface(ratio, history, np.geomspace(0.02, 8, 100), [n], relative=True, simulations=1000)
    lift = wanted.smallest_effect(n, 0.5)
    assert lift is not None
    lift /= wanted.baseline
    ours = power_surface(ratio, history, [lift], [n], relative=True, simulations=4000, seed=1)
    theirs = exact_bootstrap(table, n, lift, 4000)
    assert ours.power.item() == pytest.approx(theirs, abs=3 * np.sqrt(2 * theirs * (1 - theirs) / 4000))


def test_a_difference_between_groups_changes_nothing() -> None:
    """The case study added the effect to a difference that was there already; here the pool has no groups."""
    rng = np.random.default_rng(6)
    group = np.repeat([0.0, 3.0], 3000)
    history = Samples.of(["x"], (rng.normal(50, 10, 6000) + group)[:, None])
    surface = power_surface(MetricColumns("x"), history, [0.0, 1.0], [1000])
    assert surface.mean_effect == pytest.approx(np.array([[0.0, 1.0]]), abs=4 * 0.45 / 100)
    assert surface.power[0, 0, 0, 0] == pytest.approx(0.05, abs=4 * 0.0022)
    shuffled = Samples.of(["x"], rng.permutation(history.values))
    assert power_surface(MetricColumns("x"), shuffled, [1.0], [1000]).power.item() == pytest.approx(
        surface.power[0, 0, 0, 1], abs=4 * 0.007
    )


def test_covariates_raise_power_and_can_be_left_out(feed: Samples) -> None:
    adjusted = power_surface(CUPED, feed, [0.006], [1000])
    plain = power_surface(CUPED, feed, [0.006], [1000], covariates=False)
    assert adjusted.power.item() > plain.power.item() + 0.05
    assert adjusted.power.item() == pytest.approx(adjusted.analytic.item(), abs=0.025)
    np.testing.assert_array_equal(plain.power, power_surface(RATIO, feed, [0.006], [1000]).power)


@pytest.mark.slow
def test_buckets_of_units_give_the_power_of_units() -> None:
    table = users(60_000, seed=7)
    number = np.random.default_rng(8).integers(0, 4096, len(table))
    sums = np.column_stack([np.bincount(number, column, 4096) for column in table.T])
    buckets = Buckets.of(NAMES, np.bincount(number, minlength=4096), sums)
    for metric in (MEAN, RATIO, CUPED):
        coarse = power_surface(metric, buckets, [0.02], [12_000], relative=True)
        fine = power_surface(metric, Samples.of(NAMES, table), [0.02], [12_000], relative=True)
        assert coarse.power.item() == pytest.approx(fine.power.item(), abs=0.04)  # 4,096 buckets know sd to 1.1 %


def test_unequal_arms(feed: Samples) -> None:
    surface = power_surface(RATIO, feed, [0.006], [2000], ratio=0.25)
    assert surface.sizes_treatment == (500,)
    assert surface.power.item() == pytest.approx(surface.analytic.item(), abs=0.02)


@pytest.mark.slow
def test_metrics_without_a_numerator_to_lift_are_shifted() -> None:
    rng = np.random.default_rng(9)
    history = Samples.of(["x", "y"], rng.normal(0, 10, (4000, 2)) + np.array([0, 100]))
    centred = Samples.of(["x"], history.values[:, :1] - history.values[:, 0].mean())
    quotient = Derived(("x", "y"), lambda m: m["x"] - m["y"] + 100, lambda _: {"x": 1.0, "y": -1.0})
    for metric, pool in ((MetricColumns("x"), centred), (quotient, history)):
        surface = power_surface(metric, pool, [1.0], [1000])
        assert surface.power.item() == pytest.approx(surface.analytic.item(), abs=0.02)
        assert surface.mean_effect.item() == pytest.approx(1.0, abs=0.05)


def test_a_large_offset_hides_nothing() -> None:
    history = Samples.of(["x"], 1e9 + np.random.default_rng(10).normal(0, 1, (3000, 1)))
    surface = power_surface(MetricColumns("x"), history, [0.1], [1500])
    assert surface.power.item() == pytest.approx(surface.analytic.item(), abs=0.02)
    assert surface.mean_effect.item() == pytest.approx(0.1, abs=0.01)


def test_a_rare_event_says_how_often_there_was_no_answer() -> None:
    values = np.zeros((3000, 1))
    values[:15] = 1.0
    surface = power_surface(MetricColumns("x"), Samples.of(["x"], values), [0.5], [200], relative=True)
    assert surface.unanswered.item() == pytest.approx((1 - 15 / 3000) ** 400, rel=0.2)
    assert np.isfinite(surface.power).all()
    assert np.isfinite(surface.sd_effect).all()


def test_the_same_seed_gives_the_same_surface(feed: Samples) -> None:
    first, again, other = (power_surface(RATIO, feed, [0.005], [900], simulations=500, seed=s) for s in (1, 1, 2))
    assert first.power.item() == again.power.item()
    assert first.mean_effect.item() != other.mean_effect.item()


def test_reading_between_the_points(feed: Samples) -> None:
    surface = power_surface(RATIO, feed, np.linspace(-0.002, 0.012, 15), [500, 1000, 2000, 4000])
    for n in (700, 3000):
        effect = surface.smallest_effect(n, 0.8)
        assert effect is not None
        assert surface.smallest_n(effect, 0.8) == pytest.approx(n, rel=0.06)
    assert surface.smallest_effect(500, 0.999999) is None
    assert surface.smallest_n(0.001, 0.9) is None
    points = surface.points()
    assert (len(points), points[0].n, points[-1].power) == (60, 500, surface.power[0, 0, -1, -1])
    for wrong in (lambda: surface.smallest_n(0.5), lambda: surface.smallest_effect(10), lambda: surface.points("z")):
        with pytest.raises(UsageError, match="E601"):
            wrong()


def test_falls_are_read_as_well(feed: Samples) -> None:
    surface = power_surface(RATIO, feed, [-0.012, -0.008, -0.004], [600, 1200])
    effect = surface.smallest_effect(1000, 0.8)
    assert effect is not None
    assert -0.012 < effect < -0.004
    assert surface.smallest_n(effect, 0.8) == pytest.approx(1000, rel=0.1)


@pytest.mark.parametrize(
    ("metric", "values", "code"),
    [
        (MEAN, [[1, 1]] * 50, "W601"),  # constant
        (RATIO, [[0, 0], [1, 0], [2, 0]] * 20, "W601"),  # nothing to divide by
        (MetricColumns("views", "views"), users(50)[:, :2], "W601"),  # always 1
        (MEAN, [[1, 1]], "W601"),
        (MEAN, [[np.nan, 1], [1, 1], [2, 1]], "W601"),
        (MEAN, [[np.inf, 1], [1, 1], [2, 1]], "W601"),
        (MEAN, [[1e200, 1], [1, 1], [2, 1]], "W601"),
        (MetricColumns("nothing"), users(50)[:, :2], "E204"),
        (Quantile("likes", 0.5), users(50)[:, :2], "E302"),
    ],
)
def test_a_history_without_an_answer_is_told(metric: Estimand, values: Any, code: str) -> None:
    with pytest.raises(UsageError, match=code):
        power_surface(metric, Samples.of(NAMES[:2], values), [0.1], [10], simulations=10)


@pytest.mark.parametrize(
    "wrong",
    [{"tests": ("median",)}, {"tests": ("mann_whitney",)},
     {"alphas": (0.0,)}, {"sizes": []}, {"sizes": [1]}, {"effects": []}, {"ratio": 0.0},
     {"simulations": 1}, {"effects": [-1.0]}, {"effects": [float("nan")]}],
)  # fmt: skip
def test_impossible_requests_are_told(feed: Samples, wrong: dict[str, Any]) -> None:
    asked = {"effects": [0.01], "sizes": [100], "simulations": 10, **wrong}
    with pytest.raises(UsageError):
        power_surface(RATIO, feed, **asked)


def test_subsets_have_the_mean_variance_and_independence_they_promise() -> None:
    rng = np.random.default_rng(11)
    columns = rng.normal(0, 2, (6000, 2))  # enough rows to share random numbers
    columns = (columns - columns.mean(axis=0)).astype(np.float32)
    for share, sums in zip((0.2, 0.5), subset_sums(columns, (0.2, 0.5), 8000, 1, "test"), strict=True):
        sd = np.sqrt(share * (1 - share) * (columns.astype(np.float64) ** 2).sum(axis=0))
        z = sums / sd
        assert np.abs(z.mean(axis=0)) == pytest.approx(0, abs=4 / np.sqrt(8000))
        assert z.std(axis=0) == pytest.approx(1, abs=4 / np.sqrt(16_000))
        assert reference.kstest(z[:, 0], "norm").pvalue > 0.001
        neighbours = np.corrcoef(z[:-1, 0], z[1:, 0])[0, 1]
        assert neighbours == pytest.approx(0, abs=4 / np.sqrt(8000))


def test_subsets_of_different_shares_are_nested() -> None:
    few, many = subset_sums(np.eye(50, dtype=np.float32), (0.2, 0.7), 40, 2, "test")
    assert set(np.unique(few)) == {0.0, 1.0}
    assert (few <= many).all()


def test_resampling_draws_with_replacement() -> None:
    drawn = resample_sums(np.eye(5, dtype=np.float32), 30, 2000, 3, "test")
    assert (drawn.sum(axis=1) == 30).all()
    assert drawn.var(axis=0) == pytest.approx(30 * 0.2 * 0.8, rel=0.15)
