"""Sequential rules: published tables, the formulas of the papers, and the error kept under peeking every day."""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats import Effect, MetricColumns, Moments, Planned, compare, sequential_srm
from assay.stats.sequential import RULES, Interim, Look, interim, looks
from assay.stats.sequential.group_sequential import boundaries, crossing
from assay.stats.sequential.mixture import narrowest

DAYS = 14
SPENDING = ["obrien_fleming", "pocock", "power_family"]
every_rule = pytest.mark.parametrize("rule", sorted(RULES))


def course(z: list[float], shares: list[float] | None = None) -> list[tuple[float, float, float]]:
    """Looks with these z-values, whose standard errors fall with the information."""
    information = shares or [float(at) for at in range(1, len(z) + 1)]
    return [(i, value / sqrt(i), 1 / sqrt(i)) for value, i in zip(z, information, strict=True)]


def reaches(rule: str, looked: int, planned: Planned, alpha: float = 0.05) -> list[float]:
    """Half widths of the band in standard errors."""
    return [reach(look) for look in looks(course([0.0] * looked), rule, alpha, planned=planned)]


def reach(look: Look) -> float:
    assert look.high is not None
    assert look.estimate is not None
    assert look.se is not None
    return (look.high - look.estimate) / look.se


# --- group-sequential boundaries ---


@pytest.mark.parametrize(("looked", "pocock", "obrien_fleming"), [
    (2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040), (10, 2.555, 2.087),
])  # fmt: skip
def test_the_classic_boundaries_spend_the_error(looked: int, pocock: float, obrien_fleming: float) -> None:
    """Jennison and Turnbull (2000), tables 2.1 and 2.3, alpha 0.05; for five looks 4.56, 3.23, 2.63, 2.28, 2.04."""
    information = range(1, looked + 1)
    flat = crossing([pocock] * looked, information)[-1]
    steep = crossing([obrien_fleming * sqrt(looked / k) for k in information], information)[-1]
    assert flat == pytest.approx(0.05, abs=1e-4)
    assert steep == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(("rule", "published"), [
    ("obrien_fleming", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
    ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
])  # fmt: skip
def test_the_spending_boundaries_are_the_published_ones(rule: str, published: list[float]) -> None:
    """Reboussin, DeMets, Kim and Lan (2000), Computations for group sequential boundaries, table 1."""
    assert reaches(rule, 5, Planned(looks=5)) == pytest.approx(published, abs=2e-4)


@pytest.mark.slow
def test_crossing_agrees_with_the_multivariate_normal_law() -> None:
    bounds, information = [2.9, 2.5, 2.1], [0.15, 0.7, 1.0]
    correlation = [[sqrt(min(a, b) / max(a, b)) for a in information] for b in information]
    law = reference.multivariate_normal(cov=correlation, seed=1, maxpts=10**7, abseps=1e-9, releps=1e-9)
    inside = law.cdf(bounds, lower_limit=[-z for z in bounds])
    assert crossing(bounds, information)[-1] == pytest.approx(1 - inside, abs=1e-6)


@pytest.mark.parametrize("rule", SPENDING)
@pytest.mark.parametrize(
    "information", [[1, 2, 3, 4, 5, 6, 7], [1, 5, 6, 6.5, 6.9, 6.95, 7], [0.1, 0.2, 3, 4, 4.1, 4.2, 40]]
)
def test_any_course_of_information_spends_exactly_alpha(rule: str, information: list[float]) -> None:
    found = looks(course([0.0] * 7, information), rule, planned=Planned(looks=7))
    assert crossing([reach(look) for look in found], information)[-1] == pytest.approx(0.05, abs=1e-9)


def test_a_planned_information_says_how_much_is_spent() -> None:
    """Half the information, half the time: the same boundary; the last look spends the rest, whatever it brought."""
    by_looks = reaches("pocock", 2, Planned(looks=2))
    assert reaches("pocock", 2, Planned(looks=2, information=2.0)) == pytest.approx(by_looks)
    short = looks(course([0.0, 0.0], [0.5, 0.6]), "pocock", planned=Planned(looks=2, information=1.0))
    assert crossing([reach(look) for look in short], [0.5, 0.6])[-1] == pytest.approx(0.05, abs=1e-9)


def test_looks_after_the_plan_have_no_error_left() -> None:
    late = looks(course([1.0] * 4), "pocock", planned=Planned(looks=3))
    assert [look.reason is None for look in late] == [True, True, True, False]
    assert late[-1].low is None


def test_a_look_that_brings_nothing_new_repeats_the_one_before() -> None:
    found = looks(course([0.5, 0.5, 0.5], [1.0, 1.0, 2.0]), "pocock", planned=Planned(looks=3))
    assert reach(found[0]) == pytest.approx(reach(found[1]))
    assert crossing([reach(found[0]), reach(found[2])], [1.0, 2.0])[-1] == pytest.approx(0.05, abs=1e-9)


def test_sixty_looks_are_no_problem() -> None:
    spent = tuple(0.05 * day / 60 for day in range(1, 61))
    days = tuple(map(float, range(1, 61)))
    assert crossing(boundaries(spent, days).tolist(), days)[-1] == pytest.approx(0.05, abs=1e-9)


# --- mixtures ---


def test_the_confidence_sequence_is_the_formula_of_the_paper() -> None:
    """Waudby-Smith et al. (2024), eq. 7: σ √(2 (tρ² + 1) log(√(tρ² + 1) ÷ alpha) ÷ (t² ρ²))."""
    n, end, sigma, alpha = 300.0, 1000.0, 2.0, 0.1
    rho = narrowest(alpha) / end
    expected = sigma * sqrt(2 * (n * rho + 1) * log(sqrt(n * rho + 1) / alpha) / (n**2 * rho))
    [look] = looks([(n, 0.3, sigma / sqrt(n))], "confidence_sequence", alpha, planned=Planned(1, information=end))
    assert look.high == pytest.approx(0.3 + expected, rel=1e-9)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_the_confidence_sequence_is_narrowest_at_the_planned_end(alpha: float) -> None:
    def width(ratio: float) -> float:
        return sqrt((1 + ratio) / ratio * (np.log1p(ratio) - 2 * log(alpha)))

    grid = np.geomspace(0.1, 100, 4001)
    assert grid[np.argmin([width(ratio) for ratio in grid])] == pytest.approx(narrowest(alpha), rel=5e-3)
    ends = reaches("confidence_sequence", DAYS, Planned(looks=DAYS), alpha)
    assert ends[-1] == pytest.approx(width(narrowest(alpha)))


def test_the_mixture_test_is_the_formula_of_the_paper() -> None:
    """Johari et al. (2017), eq. 8, for two arms of n with known σ: V = 2σ²."""
    n, sigma, tau, gap = 400, 1.5, 0.2, 0.35
    v = 2 * sigma**2
    ratio = sqrt(v / (v + n * tau**2)) * np.exp(n**2 * tau**2 * gap**2 / (2 * v * (v + n * tau**2)))
    [look] = looks([(n, gap, sqrt(v / n))], "msprt", planned=Planned(looks=7, mde=tau))
    assert look.pvalue == pytest.approx(1 / ratio, rel=1e-9)


def test_without_an_mde_the_mixture_test_takes_one_from_the_plan() -> None:
    detectable = (reference.norm.ppf(0.8) + reference.norm.ppf(0.975)) / sqrt(DAYS)  # the last se is 1 ÷ √14
    assert reaches("msprt", DAYS, Planned(DAYS)) == pytest.approx(reaches("msprt", DAYS, Planned(DAYS, mde=detectable)))


def test_extreme_effects_keep_their_precision() -> None:
    [look] = looks(course([30.0]), "confidence_sequence", planned=Planned(looks=1))
    ratio = narrowest(0.05)
    assert look.pvalue == pytest.approx(sqrt(1 + ratio) * np.exp(-900 * ratio / (1 + ratio) / 2), rel=1e-12)
    assert 0 < look.pvalue < 1e-150  # type: ignore[operator]


# --- every rule ---


@every_rule
def test_it_stops_where_the_band_leaves_zero(rule: str) -> None:
    rng = np.random.default_rng(40)
    for _ in range(50):
        z = (np.cumsum(rng.normal(0.7, 1, DAYS)) / np.sqrt(np.arange(1, DAYS + 1))).tolist()
        found = looks(course(z), rule, planned=Planned(looks=DAYS))
        outside = [look.low > 0 or look.high < 0 for look in found]  # type: ignore[operator]
        if rule == "none":
            outside = [outside[-1] and look.number == DAYS for look in found]
        assert [look.stopped for look in found] == np.maximum.accumulate(outside).tolist()


@every_rule
def test_only_ratios_of_information_matter(rule: str) -> None:
    one, other = course([1.0, 2.0, 2.5]), [(1e6 * i, d, se) for i, d, se in course([1.0, 2.0, 2.5])]
    first, second = (looks(each, rule, planned=Planned(looks=5)) for each in (one, other))
    assert [look.low for look in first] == pytest.approx([look.low for look in second])
    assert [look.pvalue for look in first] == pytest.approx([look.pvalue for look in second])


@every_rule
def test_looks_without_a_number_say_so_and_keep_their_place(rule: str) -> None:
    nan, inf = float("nan"), float("inf")
    gaps: list[Interim] = [
        (None, None, None), (2.0, 0.1, 0.7), (3.0, nan, 0.5), (4.0, 0.1, 0.0), (inf, 0.1, 0.4), (6.0, 0.2, 0.4)
    ]  # fmt: skip
    found = looks(gaps, rule, planned=Planned(looks=7))
    assert [look.number for look in found] == [1, 2, 3, 4, 5, 6]
    assert [look.reason is None for look in found] == [False, True, False, False, False, True]
    plain = looks(course([0.0] * 6), rule, planned=Planned(looks=7))
    if rule in ("none", "confidence_sequence", "msprt"):
        assert reach(found[5]) == pytest.approx(reach(plain[5])), "a missing day changes nothing later"


@every_rule
def test_nothing_to_read_gives_reasons_only(rule: str) -> None:
    assert looks([], rule, planned=Planned(looks=7)) == ()
    assert all(look.reason for look in looks([(None, None, None)] * 2, rule, planned=Planned(looks=7)))


def test_without_a_rule_only_the_end_counts() -> None:
    found = looks(course([50.0] * 7), "none", planned=Planned(looks=7))
    assert [look.stopped for look in found] == [False] * 6 + [True]


def test_once_stopped_always_stopped() -> None:
    found = looks(course([6.0, 0.0, 0.0]), "pocock", planned=Planned(looks=3))
    assert [look.stopped for look in found] == [True, True, True]


def test_mistakes_are_told() -> None:
    with pytest.raises(UsageError, match="Did you mean 'pocock'"):
        looks([], "pocok", planned=Planned(looks=7))
    with pytest.raises(UsageError, match="alpha"):
        looks([], "pocock", 0.0, planned=Planned(looks=7))
    for wrong in ({"looks": 0}, {"looks": 7, "mde": -1.0}, {"looks": 7, "information": float("inf")}):
        with pytest.raises(UsageError, match="not a plan"):
            Planned(**wrong)  # type: ignore[arg-type]


def test_an_effect_makes_a_look() -> None:
    assert interim(Effect("welch", "mean", control=-10.0, difference=0.5, se=0.1)) == (pytest.approx(1e4), 0.5, 0.1)
    assert interim(Effect("welch", "mean", reason="nobody")) == (None, None, None)


# --- the error under peeking ---


def paths(seed: int, runs: int, days: int = DAYS) -> np.ndarray:
    """z after each day of `runs` experiments without an effect, shape (runs, days)."""
    steps = np.random.default_rng(seed).normal(size=(runs, days))
    return np.cumsum(steps, axis=1) / np.sqrt(np.arange(1, days + 1))


def allowed(alpha: float, runs: int) -> float:
    return 4 * sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.parametrize("rule", [*SPENDING, "confidence_sequence", "msprt"])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_peeking_every_day_keeps_the_error(rule: str, alpha: float) -> None:
    runs = 50_000
    bounds = np.array(reaches(rule, DAYS, Planned(looks=DAYS), alpha))
    rate = float((np.abs(paths(41, runs)) > bounds).any(axis=1).mean())
    assert rate <= alpha + allowed(alpha, runs)
    if rule in SPENDING:
        assert rate == pytest.approx(alpha, abs=allowed(alpha, runs)), "all of it is spent"


def test_peeking_without_a_rule_does_not() -> None:
    assert (np.abs(paths(42, 20_000)) > 1.96).any(axis=1).mean() > 0.2


def visits(rng: np.random.Generator, users: int, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Likes and views per user and day, shape (users, days). Users arrive evenly, return, and have habits."""
    views = rng.poisson(rng.gamma(1.5, 3, (users, 1)), (users, days))
    views = np.where(np.arange(days) >= rng.integers(0, days, (users, 1)), views, 0)
    return rng.binomial(views, rng.beta(8, 30, (users, 1))), views


def daily_looks(
    seed: int, metric: MetricColumns, days: int = 7
) -> list[tuple[float | None, float | None, float | None]]:
    """An A/A experiment read after each day from all data so far."""
    rng = np.random.default_rng(seed)
    arms = [np.stack(visits(rng, 300, days), axis=-1).cumsum(axis=1) for _ in range(2)]
    found = []
    for day in range(days):
        seen = [arm[arm[:, day, 1] > 0, day] for arm in arms]
        found.append(interim(compare(metric, *(Moments.of(["likes", "views"], rows) for rows in seen))))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("metric", [MetricColumns("likes", "views"), MetricColumns("views")])
def test_returning_users_under_peeking_keep_the_error(metric: MetricColumns) -> None:
    """Raw events: users who return tie the days together, totals per user grow, and the rules still hold."""
    runs, alpha = 1000, 0.05
    experiments = [daily_looks(seed, metric) for seed in range(runs)]
    for rule in ("obrien_fleming", "pocock", "power_family", "confidence_sequence", "msprt"):
        stopped = [looks(each, rule, alpha, planned=Planned(looks=7))[-1].stopped for each in experiments]
        assert np.mean(stopped) <= alpha + allowed(alpha, runs), rule
    naive = [max(abs(d / se) for _, d, se in each if d is not None and se) > 1.96 for each in experiments]
    assert np.mean(naive) > 2 * alpha


@pytest.mark.parametrize("rule", [*SPENDING, "confidence_sequence", "msprt"])
def test_an_effect_is_found_before_the_end(rule: str) -> None:
    """An effect of 4 standard errors at the end: power from the paths, and the mean day of stopping."""
    z = paths(43, 4000) + 4 * np.sqrt(np.arange(1, DAYS + 1) / DAYS)
    crossed = np.abs(z) > np.array(reaches(rule, DAYS, Planned(looks=DAYS)))
    assert crossed.any(axis=1).mean() > 0.85
    assert (crossed.argmax(axis=1)[crossed.any(axis=1)] + 1).mean() < 11


# --- sequential SRM ---

EVEN = {"a": 1.0, "b": 1.0}


def split(rng: np.random.Generator, share: float, days: int, per_day: int = 2000) -> list[dict[str, int]]:
    found = rng.binomial(per_day, share, days).tolist()
    return [{"a": count, "b": per_day - count} for count in found]


def test_sequential_srm_is_the_bayes_factor() -> None:
    counts, weights, concentration = {"a": 520, "b": 470, "c": 250}, {"a": 2, "b": 2, "c": 1}, 500.0
    values, shares = list(counts.values()), np.array([0.4, 0.4, 0.2])
    null = reference.multinomial.logpmf(values, sum(values), shares)
    mixed = reference.dirichlet_multinomial.logpmf(values, concentration * shares, sum(values))
    [look] = sequential_srm([counts], weights, concentration)
    assert look.pvalue == pytest.approx(min(1.0, float(np.exp(null - mixed))), rel=1e-9)


def test_sequential_srm_adds_the_days_and_never_takes_back() -> None:
    found = sequential_srm([{"a": 6000, "b": 5000}, {"a": 5000, "b": 6000}], EVEN)
    assert dict(found[1].counts) == {"a": 11_000, "b": 11_000}
    assert found[0].pvalue == found[1].pvalue < 1e-6  # type: ignore[operator]


def test_sequential_srm_without_units_says_so() -> None:
    found = sequential_srm([{"a": 0, "b": 0}, {"a": 10, "b": 10}], EVEN)
    assert (found[0].pvalue, found[1].pvalue) == (None, pytest.approx(1.0, abs=0.01))
    assert found[0].reason


@pytest.mark.parametrize("mistake", [
    lambda: sequential_srm([{"a": 1}], EVEN), lambda: sequential_srm([{"a": 1, "b": 1}], EVEN, concentration=0),
])  # fmt: skip
def test_sequential_srm_refuses_what_does_not_fit(mistake: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        mistake()


@pytest.mark.slow
def test_sequential_srm_keeps_its_level_and_finds_a_fault() -> None:
    rng, runs, days = np.random.default_rng(44), 1500, 20
    clean = [sequential_srm(split(rng, 0.5, days), EVEN)[-1].pvalue for _ in range(runs)]
    for alpha in (0.01, 0.05, 0.2):
        assert np.mean([p < alpha for p in clean]) <= alpha + allowed(alpha, runs)  # type: ignore[operator]
    faulty = [sequential_srm(split(rng, 0.515, days), EVEN)[-1].pvalue for _ in range(100)]
    assert np.mean([p < 0.001 for p in faulty]) > 0.85  # type: ignore[operator]
