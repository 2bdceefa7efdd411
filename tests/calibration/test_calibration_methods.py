"""Every registered method on four shapes of data: false positives, coverage, power. A new method needs no new line."""

from __future__ import annotations

import pytest

from assay.stats import METHODS, Method
from tests.calibration.measure import measured, silence
from tests.calibration.page import keep, kept, not_above, percent, table
from tests.calibration.shapes import FEW, SHAPES, Shape

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EXACT = ("fisher", "barnard", "boschloo")
# Promised to be at most alpha only: exact tests of discrete data, Smirnov's limit law, and order statistics of data
# with few different values.
CONSERVATIVE = (*EXACT, "ks", "quantile")
WIDE = (*CONSERVATIVE, "mann_whitney")  # ends of its interval are differences of units, many of them equal

every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


@every_method
def test_every_method_is_measured_on_some_data(method: Method) -> None:
    assert not all(silence(method, shape) for shape in (*SHAPES, FEW))


@every_shape
@every_method
def test_pvalues_without_an_effect(method: Method, shape: Shape) -> None:
    if not silence(method, shape):
        promised = ("uniform", "conservative") if method.name in CONSERVATIVE else ("uniform",)
        assert measured(method, shape).verdict in promised, measured(method, shape)


@every_shape
@every_method
def test_intervals_cover_the_effect(method: Method, shape: Shape) -> None:
    if not silence(method, shape):
        found = measured(method, shape)
        judge = not_above if method.name in WIDE else kept
        assert judge(found.effect_runs - found.covered, found.effect_runs, 0.05), found


@every_shape
@every_method
def test_power_is_that_of_the_formula(method: Method, shape: Shape) -> None:
    """Tests that are conservative without an effect find fewer."""
    if not silence(method, shape):
        found = measured(method, shape)
        if found.formula is not None:
            judge = not_above if method.name in CONSERVATIVE else kept
            assert judge(found.found, found.effect_runs, found.formula), found


@pytest.mark.parametrize("name", EXACT)
def test_exact_tests_keep_their_level_on_few_units(name: str) -> None:
    assert measured(METHODS[name], FEW).verdict in ("uniform", "conservative")


@pytest.mark.parametrize("shape", [*SHAPES, FEW], ids=lambda shape: shape.name)
def test_the_page_says_what_was_measured(shape: Shape) -> None:
    methods = [each for each in METHODS.values() if shape is not FEW or _counts(each)]
    head = ("method", "p < 1 %", "p < 5 %", "p < 10 %", "p-values", "95 % interval covers", "power", "formula", "runs")
    units = " + ".join(map(str, shape.n))
    rows = [row(each, shape) for each in methods if not silence(each, shape)]
    keep(shape.name, f"Data: {shape.what}; {units} units.\n\n{table(head, rows)}{unanswered(methods, shape)}")


def unanswered(methods: list[Method], shape: Shape) -> str:
    """The methods that say why they do not answer, by what they say."""
    reasons: dict[str, list[str]] = {}
    for each in methods:
        why = silence(each, shape)
        if why:
            reasons.setdefault(why, []).append(f"`{each.name}`")
    return "".join(f"\nNo answer from {', '.join(names)}: {why}.\n" for why, names in reasons.items())


def _counts(method: Method) -> bool:
    return method.needs == "moments" and not silence(method, FEW)


def row(method: Method, shape: Shape) -> list[str]:
    found = measured(method, shape)
    return [
        f"`{method.name}`",
        *(percent(hits, found.runs) for hits in found.false),
        found.verdict,
        *(percent(hits, found.effect_runs) for hits in (found.covered, found.found)),
        "—" if found.formula is None else f"{100 * found.formula:.1f}",
        f"{found.runs} + {found.effect_runs}",
    ]
