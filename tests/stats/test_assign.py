"""The hash split: uniform, independent between salts and layers, exclusive inside a layer, and stable as it grows."""

from __future__ import annotations

import uuid
from collections import Counter
from hashlib import md5

import numpy as np
import pytest
from scipy import stats as reference

from assay.errors import UsageError
from assay.stats.assign import BUCKETS, Split, assign, bucket

HALVES = {"control": 50, "treatment": 50}
UNITS = range(100_000)


def test_a_bucket_is_the_first_sixteen_hexadecimal_digits() -> None:
    for unit in ("user-7", "Ünïcødé 🦊", "", "a:b", "007"):
        digits = md5(f"new_feed:{unit}".encode(), usedforsecurity=False).hexdigest()
        assert bucket("new_feed", unit) == int(digits[:16], 16) % 1_000_000


def test_a_unit_is_its_text() -> None:
    name = uuid.UUID("8f14e45f-ceea-467f-a0e6-1b7f6e2b9e5d")
    assert bucket("s", 7) == bucket("s", "7") != bucket("s", "07")
    assert bucket("s", name) == bucket("s", str(name))
    assert bucket("s", b"\xff\xfe".decode("utf-8", "surrogateescape")) != bucket("s", "\xff\xfe")


def test_no_unit_has_no_variant() -> None:
    assert Split("s", HALVES).variant(None) == ""


def test_buckets_are_uniform() -> None:
    found = np.array([bucket("uniform", unit) for unit in UNITS])
    assert reference.kstest(found / BUCKETS, "uniform").pvalue > 0.001
    assert reference.chisquare(np.bincount(found // 10_000, minlength=100)).pvalue > 0.001


@pytest.mark.parametrize(
    ("weights", "traffic"),
    [
        (HALVES, (0.0, 1.0)),
        ({"control": 1, "one": 1, "two": 1}, (0.0, 1.0)),
        ({"control": 90, "treatment": 10}, (0.2, 0.4)),
        ({f"v{n}": n + 1 for n in range(50)}, (0.0, 1.0)),
    ],
)
def test_shares_are_as_weighted(weights: dict[str, float], traffic: tuple[float, float]) -> None:
    found = Counter(assign(Split("shares", weights, traffic), UNITS))
    inside, share = len(UNITS) - found.pop("", 0), traffic[1] - traffic[0]
    assert inside == pytest.approx(share * len(UNITS), abs=4 * (len(UNITS) * share * (1 - share)) ** 0.5)
    expected = [inside * weight / sum(weights.values()) for weight in weights.values()]
    assert reference.chisquare([found[name] for name in weights], expected).pvalue > 0.001


def test_ranges_of_a_layer_share_no_unit_and_leave_none_out() -> None:
    ranges = [(0.0, 0.2), (0.2, 0.29), (0.29, 1.0)]
    found = [assign(Split(f"e{n}", HALVES, each, "feed"), UNITS) for n, each in enumerate(ranges)]
    assert all(sum(map(bool, variants)) == 1 for variants in zip(*found, strict=True))


@pytest.mark.parametrize("layers", [("feed", "chat"), (None, None), ("feed", None)])
def test_experiments_of_different_layers_are_independent(layers: tuple[str | None, str | None]) -> None:
    one, two = (assign(Split(f"e{n}", HALVES, (0.0, 0.5), layer), UNITS) for n, layer in enumerate(layers))
    table = Counter(zip(one, two, strict=True))
    names = ("", "control", "treatment")
    assert reference.chi2_contingency([[table[a, b] for b in names] for a in names]).pvalue > 0.001


def test_traffic_and_variant_are_independent() -> None:
    """Experiments of one layer see the same mix of a third one's variants."""
    other = assign(Split("other", HALVES), UNITS)
    slots = assign(Split("mine", HALVES, (0.0, 0.5), "feed"), UNITS)
    table = Counter(zip(map(bool, slots), other, strict=True))
    assert reference.chi2_contingency([[table[a, b] for b in HALVES] for a in (True, False)]).pvalue > 0.001


@pytest.mark.parametrize("layer", ["feed", None])
def test_more_traffic_moves_nobody(layer: str | None) -> None:
    small = assign(Split("s", HALVES, (0.2, 0.3), layer), UNITS)
    large = assign(Split("s", HALVES, (0.2, 0.6), layer), UNITS)
    assert all(before in ("", after) for before, after in zip(small, large, strict=True))
    assert sum(map(bool, large)) > 3 * sum(map(bool, small))


@pytest.mark.parametrize(
    ("weights", "traffic"),
    [
        ({"control": 1}, (0.0, 1.0)),
        ({"control": 1, "treatment": 0}, (0.0, 1.0)),
        ({"control": 1, "treatment": float("nan")}, (0.0, 1.0)),
        ({"control": 1e9, "treatment": 1}, (0.0, 1.0)),
        (HALVES, (0.5, 0.5)),
        (HALVES, (-0.1, 0.5)),
        (HALVES, (0.5, 1.1)),
    ],
)
def test_what_is_no_split(weights: dict[str, float], traffic: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="E601"):
        Split("s", weights, traffic)
