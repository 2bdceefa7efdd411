"""Published numbers with their origin, in `references/*.json`, held to half a unit of the last printed digit."""

from __future__ import annotations

import json
from decimal import Context, Decimal, localcontext
from math import exp, log, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.stats import Effect, MetricColumns, Moments, Samples, adjust, compare, heterogeneity, srm
from assay.stats.welch_t import pvalue

Case = dict[str, Any]


def cases(name: str) -> pytest.MarkDecorator:
    path = Path(__file__).parent / "references" / f"{name}.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    return pytest.mark.parametrize("case", found, ids=[each["origin"].split(":")[0] for each in found])


def require(found: object, published: dict[str, str]) -> None:
    """Numbers are text in the files, so that it is known how many digits were printed."""
    for name, text in published.items():
        half = float(Decimal(1).scaleb(int(Decimal(text).as_tuple().exponent))) / 2
        assert getattr(found, name) == pytest.approx(float(text), rel=0, abs=half * 1.001), name


@cases("comparisons")
def test_worked_examples_of_samples(case: Case) -> None:
    arms = (Samples.of(["x"], np.array(case[name], float)[:, None]) for name in ("control", "treatment"))
    require(compare(MetricColumns("x"), *arms, test=case["test"]), case["published"])


@cases("shares")
def test_worked_examples_of_shares(case: Case) -> None:
    arms = (
        Moments(n, ("x",), np.array([float(hits)]), np.array([[hits * (n - hits) / n]]))
        for hits, n in zip(case["hits"], case["units"], strict=True)
    )
    require(compare(MetricColumns("x"), *arms, test=case["test"]), case["published"])


@cases("families")
def test_worked_examples_of_corrections(case: Case) -> None:
    for correction, rejected in case["rejected"].items():
        adjusted = [p for p in adjust(case["pvalues"], correction) if p is not None]
        assert sum(p <= case["alpha"] for p in adjusted) == rejected, correction


@cases("splits")
def test_worked_examples_of_sample_ratios(case: Case) -> None:
    require(srm(case["counts"], case["weights"]), case["published"])


@cases("trials")
def test_worked_examples_of_heterogeneity(case: Case) -> None:
    """Effects are logarithms of relative risks, whose variance is 1/a − 1/(a + b) + 1/c − 1/(c + d)."""
    effects = {}
    for number, (a, b, c, d) in enumerate(case["rows"]):
        risk = log(a / (a + b)) - log(c / (c + d))
        se = sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
        effects[str(number)] = Effect("log relative risk", "mean", difference=risk, se=se)
    (found,) = heterogeneity({"trial": effects})
    require(found, case["published"])


@pytest.mark.parametrize(("t", "df"), [(10.8, 10_000), (38.0, 10_000), (60.0, 30), (3.0, 2)])
def test_extreme_pvalues_against_the_finite_sum(t: float, df: int) -> None:
    """For even df the tail is a finite sum (Abramowitz and Stegun 1964, 26.7.4), here in 400 digits."""
    with localcontext(Context(prec=400)):
        size = Decimal(t) * Decimal(t)
        term, total = Decimal(1), Decimal(0)
        for k in range(df // 2):
            total += term
            term *= Decimal(2 * k + 1) / Decimal(2 * k + 2) * df / (df + size)
        exact = 1 - Decimal(t) / (df + size).sqrt() * total
    assert pvalue(t, df) == pytest.approx(float(exact), rel=1e-9)


def test_an_extreme_mismatch_against_the_continued_fraction() -> None:
    """510,000 against 490,000 units: erfc(√200) by Laplace's fraction (Abramowitz and Stegun 1964, 7.1.14)."""
    square, fraction = 200.0, 1.0
    for k in range(200, 0, -1):
        fraction = 1 + k / (2 * square) / fraction
    exact = exp(-square) / sqrt(pi * square) / fraction
    found = srm({"control": 510_000, "treatment": 490_000}, {"control": 1, "treatment": 1})
    assert found.pvalue == pytest.approx(exact, rel=1e-9)
    assert found.pvalue == pytest.approx(5.5e-89, rel=0.01)


def test_an_extreme_effect_keeps_its_relative_precision_from_the_data_on() -> None:
    """Welch's t of two arms of equal size and spread, at df = 10,000: the p-value of the issue."""
    n = 5001
    spread = np.array([[float(n - 1)]])
    gap = 10.8 * sqrt(2 / n)
    control, treatment = (Moments(n, ("x",), np.array([n * mean]), spread.copy()) for mean in (1.0, 1.0 + gap))
    effect = compare(MetricColumns("x"), control, treatment)
    assert effect.df == pytest.approx(10_000, rel=1e-12)
    assert effect.pvalue == pytest.approx(pvalue(10.8, 10_000), rel=1e-9)


def test_a_large_mean_keeps_its_variance_and_its_effect() -> None:
    """Mean 1e9, sd 1: the same effect, error and p-value as without the offset, to the digits the data hold."""
    rng = np.random.default_rng(90)
    small = [rng.standard_normal((500, 1)) + shift for shift in (0.0, 0.3)]
    near, far = (
        compare(MetricColumns("x"), *(Moments.of(["x"], arm + offset) for arm in small)) for offset in (0.0, 1e9)
    )
    assert (far.se, far.df) == pytest.approx((near.se, near.df), rel=1e-6)
    assert far.difference == pytest.approx(near.difference, abs=1e-6)
    assert far.pvalue == pytest.approx(near.pvalue, rel=1e-4)
