"""Moments of groups from columns, against the moments of each group's own rows."""

from __future__ import annotations

import numpy as np
import pytest

from assay import stats
from assay.errors import UsageError

RANDOM = np.random.default_rng(5)
N = 5_000  # more than two blocks
GROUPS = np.array(["control", "b", "c"])[RANDOM.integers(0, 3, N)]
COLUMNS = {"likes": RANDOM.poisson(3.0, N), "views": RANDOM.normal(1e9, 1.0, N), "past": RANDOM.gamma(2.0, 2.0, N)}
METRICS = {
    "rate": stats.MetricColumns("likes", "views", "past"),
    "likes": stats.MetricColumns("likes"),
    "same": stats.MetricColumns("views", "likes"),
}


def own(group: str, names: tuple[str, ...]) -> stats.Moments:
    inside = np.flatnonzero(group == GROUPS)
    return stats.Moments.of(names, np.column_stack([COLUMNS[name][inside] for name in names]))


@pytest.mark.parametrize("metric", METRICS)
def test_every_group_has_the_moments_of_its_rows(metric: str) -> None:
    found = stats.moments_by(COLUMNS, GROUPS, METRICS)[metric]
    assert list(found) == ["b", "c", "control"]
    for group, moments in found.items():
        expected = own(group, moments.names)
        assert moments.n == expected.n
        np.testing.assert_allclose(moments.sums, expected.sums, rtol=1e-12)
        np.testing.assert_allclose(moments.comoments, expected.comoments, rtol=1e-6, atol=1e-4)


def test_a_missing_value_shows_in_its_own_group_only() -> None:
    broken = {**COLUMNS, "likes": COLUMNS["likes"].astype(float)}
    broken["likes"][int(np.argmax(GROUPS == "b"))] = np.nan
    found = stats.moments_by(broken, GROUPS, METRICS)["likes"]
    assert not found["b"].finite("likes")
    assert found["c"].mean("likes") == own("c", ("likes",)).mean("likes")
    effect = stats.compare(METRICS["likes"], found["control"], found["b"])
    assert effect.reason is not None
    assert "treatment" in effect.reason


def test_no_units_are_no_groups() -> None:
    assert stats.moments_by({"likes": []}, [], {"likes": stats.MetricColumns("likes")}) == {"likes": {}}


@pytest.mark.parametrize(
    ("columns", "groups", "code"), [({"like": [1.0]}, ["a"], "E204"), ({"likes": [1.0, 2.0]}, ["a"], "E601")]
)
def test_what_does_not_fit_is_told(columns: dict[str, list[float]], groups: list[str], code: str) -> None:
    with pytest.raises(UsageError) as told:
        stats.moments_by(columns, groups, {"likes": stats.MetricColumns("likes")})
    assert told.value.diagnostics[0].code == code
