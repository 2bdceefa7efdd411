"""Post-stratification: by hand, against a regression, under chance, and with strata that are nearly empty."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
from scipy import stats as reference

from assay.stats import MetricColumns, Moments, compare
from assay.stats.stratify import poststratify

MEAN = MetricColumns("likes")
RATIO = MetricColumns("likes", "views")
NAMES = ("likes", "views", "before")
Cells = list[tuple[np.ndarray, np.ndarray]]


def cells(rng: np.random.Generator, sizes: tuple[tuple[int, int], ...], lift: float = 0.0) -> Cells:
    """Strata of very different users: stratum k views 20 · (k + 1) posts and likes 10 (k + 1) % of them."""
    return [
        (users(rng, control, stratum, 0.0), users(rng, treatment, stratum, lift))
        for stratum, (control, treatment) in enumerate(sizes)
    ]


def users(rng: np.random.Generator, n: int, stratum: int, lift: float) -> np.ndarray:
    views = 1 + rng.poisson(20 * (stratum + 1), n)
    likes = rng.binomial(views, 0.1 * (stratum + 1) * (1 + lift))
    return np.column_stack([likes, views, likes + rng.normal(0, 2, n)])


def strata(data: Cells) -> list[tuple[Moments, Moments]]:
    return [(Moments.of(NAMES, control), Moments.of(NAMES, treatment)) for control, treatment in data]


def totals(data: Cells) -> tuple[Moments, Moments]:
    control, treatment = (np.concatenate([pair[arm] for pair in data]) for arm in (0, 1))
    return Moments.of(NAMES, control), Moments.of(NAMES, treatment)


def test_a_mean_by_hand() -> None:
    data = cells(np.random.default_rng(50), ((40, 60), (100, 90), (30, 35)))
    sizes = np.array([len(control) + len(treatment) for control, treatment in data])
    weights = sizes / sizes.sum()
    means = np.array([[arm[:, 0].mean() for arm in pair] for pair in data])
    parts = np.array([[arm[:, 0].var(ddof=1) / len(arm) for arm in pair] for pair in data]) * weights[:, None] ** 2
    effect = poststratify(MEAN, strata(data))
    assert effect.difference == pytest.approx(weights @ (means[:, 1] - means[:, 0]), rel=1e-9)
    assert (effect.control, effect.treatment) == pytest.approx(tuple(weights @ means), rel=1e-9)
    assert effect.se == pytest.approx(np.sqrt(parts.sum()), rel=1e-9)
    counts = np.array([[len(arm) for arm in pair] for pair in data])
    assert effect.df == pytest.approx(parts.sum() ** 2 / (parts**2 / (counts - 1)).sum(), rel=1e-9)
    plain = compare(MEAN, *totals(data))
    assert effect.variance_reduction == pytest.approx(1 - (effect.se / plain.se) ** 2, rel=1e-9)  # type: ignore[operator]
    assert effect.variance_reduction > 0.5  # type: ignore[operator]
    assert (effect.n_control, effect.n_treatment, effect.warnings) == (170, 185, ())


def test_a_ratio_is_the_delta_method_within_strata() -> None:
    data = cells(np.random.default_rng(51), ((400, 600), (1000, 900)), lift=0.1)
    sizes = np.array([len(control) + len(treatment) for control, treatment in data])
    weights = sizes / sizes.sum()
    ratios, variances = [], []
    for arm in (0, 1):
        likes, views = weights @ np.array([pair[arm][:, :2].mean(axis=0) for pair in data])
        linear = [(pair[arm][:, 0] - likes / views * pair[arm][:, 1]) / views for pair in data]
        ratios.append(likes / views)
        variances.append(sum(w**2 * x.var(ddof=1) / len(x) for w, x in zip(weights, linear, strict=True)))
    effect = poststratify(RATIO, strata(data))
    assert effect.difference == pytest.approx(ratios[1] - ratios[0], rel=1e-9)
    assert effect.se == pytest.approx(np.sqrt(sum(variances)), rel=1e-9)


def test_one_stratum_is_the_plain_test() -> None:
    data = cells(np.random.default_rng(52), ((150, 160),), lift=0.2)
    for metric in (MEAN, RATIO, replace(RATIO, numerator_covariate="before")):
        once, plain = poststratify(metric, strata(data)), compare(metric, *totals(data))
        for name in ("difference", "low", "pvalue", "df", "relative_high", "control"):
            assert getattr(once, name) == pytest.approx(getattr(plain, name), rel=1e-9)


def test_strata_and_covariates_together() -> None:
    data = cells(np.random.default_rng(53), ((200, 210), (190, 220), (50, 60)))
    metric = replace(MEAN, numerator_covariate="before")
    alone, together = poststratify(MEAN, strata(data)), poststratify(metric, strata(data))
    assert together.se < 0.8 * alone.se  # type: ignore[operator]
    assert poststratify(metric, strata(data), covariates=False) == alone


@pytest.mark.parametrize("metric", [MEAN, RATIO, replace(MEAN, numerator_covariate="before")])
def test_five_per_cent_without_an_effect(metric: MetricColumns) -> None:
    """Strata sizes by chance, as after a randomisation that did not know them."""
    rng = np.random.default_rng(54)
    pvalues = []
    for _ in range(600):
        sizes = tuple((int(rng.binomial(n, 0.5)), n) for n in (60, 40, 20))
        pvalues.append(poststratify(metric, strata(cells(rng, tuple((k, n - k) for k, n in sizes)))).pvalue)
    assert reference.kstest(pvalues, "uniform").pvalue > 0.001
    low, high = reference.binom.interval(0.999, 600, 0.05)
    assert low <= sum(p < 0.05 for p in pvalues) <= high  # type: ignore[operator]


def test_thin_strata_are_merged_and_nobody_is_left_out() -> None:
    rng = np.random.default_rng(55)
    data = cells(rng, ((50, 60), (1, 9), (8, 0), (0, 0)))
    effect = poststratify(MEAN, strata(data))
    joined = [data[0], tuple(np.concatenate([data[1][arm], data[2][arm]]) for arm in (0, 1))]
    assert effect.difference == poststratify(MEAN, strata(joined)).difference  # type: ignore[arg-type]
    assert (effect.n_control, effect.n_treatment) == (59, 69)
    assert effect.warnings == ("2 strata with fewer than 2 units in a variant are merged with others",)
    alone = poststratify(MEAN, strata([data[0], data[1]]))
    assert alone.difference == pytest.approx(compare(MEAN, *totals([data[0], data[1]])).difference, rel=1e-9)
    assert alone.n_control == 51


def test_no_answer_says_why() -> None:
    rng = np.random.default_rng(56)
    fine = cells(rng, ((5, 6),))
    spoilt = fine[0][0].copy()
    spoilt[0, 0] = np.nan
    reasons = {
        "fewer than 2 units": [(fine[0][0], fine[0][1][:1])],
        "missing": [(spoilt, fine[0][1])],
        "no variation": [(np.ones((5, 3)), np.ones((4, 3)))],
    }
    for reason, data in reasons.items():
        effect = poststratify(MEAN, strata(data))
        assert reason in str(effect.reason)
        assert not any(isinstance(value, float) and not np.isfinite(value) for value in astuple(effect))
    assert "fewer than 2 units" in str(poststratify(MEAN, []).reason)
    zero = [(np.zeros((5, 3)), fine[0][1])]
    assert "sums to zero" in str(poststratify(RATIO, strata(zero)).reason)
