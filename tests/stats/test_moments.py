"""Moments are a commutative monoid, and agree with direct computation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assay.errors import UsageError
from assay.stats import Moments

NAMES = ("likes", "views")
numbers = st.floats(-1e3, 1e3, allow_subnormal=False)
tables = st.integers(0, 8).flatmap(lambda n: arrays(np.float64, (n, 2), elements=numbers))


def assert_close(left: Moments, right: Moments) -> None:
    assert (left.n, left.names) == (right.n, right.names)
    # Values up to 1e3, at most 24 rows: sums stay below 2.4e4, comoments below 2.4e7; 1e-12 of that is rounding.
    np.testing.assert_allclose(left.sums, right.sums, rtol=1e-12, atol=2.4e-8)
    np.testing.assert_allclose(left.comoments, right.comoments, rtol=1e-12, atol=2.4e-5)


@given(tables, tables, tables)
def test_merging_is_associative(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    x, y, z = (Moments.of(NAMES, each) for each in (a, b, c))
    assert_close((x + y) + z, x + (y + z))


@given(tables, tables)
def test_merging_is_commutative_and_equals_the_direct_computation(a: np.ndarray, b: np.ndarray) -> None:
    merged = Moments.of(NAMES, a) + Moments.of(NAMES, b)
    assert_close(merged, Moments.of(NAMES, b) + Moments.of(NAMES, a))
    assert_close(merged, Moments.of(NAMES, np.concatenate([a, b])))


@given(tables)
def test_empty_is_the_zero(a: np.ndarray) -> None:
    moments = Moments.of(NAMES, a)
    assert moments + Moments.empty(NAMES) is moments or moments.n == 0
    assert_close(Moments.empty(NAMES) + moments, moments)


def test_means_and_covariances_are_numpys() -> None:
    values = np.random.default_rng(1).gamma(2.0, 3.0, (500, 2))
    moments = Moments.of(NAMES, values)
    assert moments.mean("views") == pytest.approx(values[:, 1].mean(), rel=1e-12)
    assert moments.var("likes") == pytest.approx(values[:, 0].var(ddof=1), rel=1e-12)
    assert moments.cov("likes", "views") == pytest.approx(np.cov(values.T)[0, 1], rel=1e-12)
    weights = {"likes": 2.0, "views": -0.5}
    assert moments.combination_var(weights) == pytest.approx(np.var(values @ [2.0, -0.5], ddof=1), rel=1e-12)


def test_a_large_mean_keeps_its_variance() -> None:
    values = 1e9 + np.random.default_rng(2).standard_normal((1000, 1))
    parts = [Moments.of(["x"], part) for part in np.array_split(values, 7)]
    merged = sum(parts, start=Moments.empty(["x"]))
    # One value is known to 1e9 · eps/2 = 1.1e-7 of its sd.
    assert merged.var("x") == pytest.approx(np.var(values - 1e9, ddof=1), rel=1e-6)


def test_shifted_sums_from_sql_give_the_same_moments() -> None:
    values = 1e9 + np.random.default_rng(3).standard_normal((100, 2))
    shifted = values - 1e9
    from_sql = Moments.from_shifted(NAMES, 100, shifted.sum(axis=0), shifted.T @ shifted, [1e9, 1e9])
    direct = Moments.of(NAMES, values)
    np.testing.assert_allclose(from_sql.comoments, direct.comoments, rtol=1e-6)
    np.testing.assert_allclose(from_sql.sums, direct.sums, rtol=1e-15)
    assert Moments.from_shifted(NAMES, 0, [0, 0], np.zeros((2, 2)), [1, 1]).n == 0


def test_subset_keeps_the_units_and_reorders_columns() -> None:
    moments = Moments.of(NAMES, [[1.0, 2.0], [3.0, 5.0]])
    part = moments.subset(["views", "likes"])
    assert (part.n, part.names, part.sum("views")) == (2, ("views", "likes"), 7.0)
    assert part.cov("views", "likes") == moments.cov("likes", "views")


def test_a_constant_combination_has_no_variance_at_all() -> None:
    moments = Moments.of(NAMES, [[0.1 * views, views] for views in (3.0, 7.0, 11.0)])
    assert moments.combination_var({"likes": 1.0, "views": -0.1}) == 0.0
    assert Moments.of(["x"], [[0.1]] * 3).combination_var({"x": 1.0}) == 0.0


def test_moments_are_frozen() -> None:
    moments = Moments.of(NAMES, [[1.0, 2.0]])
    with pytest.raises(ValueError, match="read-only"):
        moments.sums[0] = 5.0


@pytest.mark.parametrize(
    ("mistake", "code"),
    [
        (lambda: Moments.of(["likes"], [[1.0]]).mean("like"), "E204"),
        (lambda: Moments.of(["a"], [[1.0]]) + Moments.of(["b"], [[1.0]]), "E601"),
        (lambda: Moments(1, ("a",), np.zeros(2), np.zeros((1, 1))), "E601"),
        (lambda: Moments.empty(["a"]).mean("a"), "W601"),
        (lambda: Moments.of(["a"], [[1.0]]).var("a"), "W601"),
    ],
)
def test_mistakes_are_told_with_a_code(mistake: object, code: str) -> None:
    with pytest.raises(UsageError) as error:
        mistake()  # type: ignore[operator]
    assert error.value.diagnostics[0].code == code
