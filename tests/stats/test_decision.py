"""Verdicts and their reasons."""

from __future__ import annotations

from typing import Any

import pytest

from assay.stats import Effect, Gate, Result, decide


def result(metric: str = "ctr", role: Any = "primary", change: float = 0.08, half: float = 0.01, **more: Any) -> Result:
    """A metric of 0.2 that changed by `change` ± `half`, both relative."""
    ends = [0.2 * (change + by) for by in (0, -half, half)]
    relative = change, change - half, change + half
    pvalue = 0.001 if abs(change) > half else 0.4
    effect = Effect("delta", "ratio", 0.2, 0.2 + ends[0], *ends, *relative, pvalue, half / 10, 1e4, 1000, 1000)
    return Result(metric, role, **{"variant": "test", "effect": effect, "pvalue_adjusted": pvalue, **more})


def guard(change: float, margin: float | None = -0.01, half: float = 0.005, **more: Any) -> Result:
    return result("messages", "guardrail", change, half, margin=margin, **more)


WIN, LOSS, FLAT = result(), result(change=-0.08), result(change=0.005)
FAILED = Gate("srm", "fail", 1e-20, "traffic is split 55 to 45")


@pytest.mark.parametrize(
    ("gates", "results", "rule", "expected"),
    [
        ([], [WIN], "any_primary", "ship"),
        ([Gate("srm", "pass")], [WIN, FLAT], "any_primary", "ship"),
        ([], [WIN, FLAT], "all_primary", "keep_running"),
        ([FAILED], [WIN], "any_primary", "blocked"),
        ([Gate("aa", "warn")], [WIN], "any_primary", "ship"),
        ([], [LOSS], "any_primary", "do_not_ship"),
        ([], [WIN, LOSS], "any_primary", "do_not_ship"),
        ([], [result(change=-0.08, good="down")], "any_primary", "ship"),
        ([], [result(good=None)], "any_primary", "keep_running"),
        ([], [FLAT], "any_primary", "keep_running"),
        ([], [result(pvalue_adjusted=0.06)], "any_primary", "keep_running"),
        ([], [], "any_primary", "keep_running"),
        ([], [WIN, guard(0.0)], "any_primary", "ship"),
        ([], [WIN, guard(-0.008)], "any_primary", "keep_running"),
        ([], [WIN, guard(-0.05)], "any_primary", "do_not_ship"),
        ([], [WIN, guard(0.05)], "any_primary", "ship"),
        ([], [WIN, guard(0.05, margin=0.02)], "any_primary", "do_not_ship"),
        ([], [WIN, guard(-0.05, margin=0.02)], "any_primary", "ship"),
        ([], [WIN, guard(0.05, margin=0.0, good="down")], "any_primary", "do_not_ship"),
        ([], [WIN, guard(-0.001, margin=None)], "any_primary", "ship"),
        ([], [WIN, guard(-0.05, margin=None)], "any_primary", "do_not_ship"),
        ([], [WIN, result("likes", "secondary", -0.5)], "any_primary", "ship"),
        ([], [LOSS, result(variant="other")], "any_primary", "ship"),
    ],
)
def test_verdicts(gates: list[Gate], results: list[Result], rule: Any, expected: str) -> None:
    assert decide(gates, results, rule).verdict == expected


def test_reasons_are_plain_sentences() -> None:
    assert decide([FAILED], [WIN]).reasons[1] == "gate srm: traffic is split 55 to 45"
    assert decide([], [WIN]).reasons == (
        "test: ctr changed by +8.00 % (between +7.00 % and +9.00 %), clearly better than the control.",
    )
    assert decide([], [FLAT]).reasons == (
        "test: ctr shows no clear change yet (+0.50 %); a change below −0.50 % or above +1.50 % is ruled out.",
    )
    assert "guardrail messages is not proven yet" in decide([], [WIN, guard(-0.008)]).reasons[1]


def test_a_blocked_experiment_tells_no_effect() -> None:
    told = " ".join(decide([FAILED], [WIN]).reasons)
    assert "ctr" not in told
    assert "withheld" in told


def test_the_best_of_several_variants_is_named() -> None:
    verdict = decide([], [WIN, result(variant="other", change=0.12), result(variant="third", change=-0.2)])
    assert (verdict.verdict, verdict.variant) == ("ship", "other")


def test_a_metric_without_a_number_says_why() -> None:
    missing = Effect("welch", "mean", reason="the control has 0 units, at least 2 are needed")
    verdict = decide([], [Result("likes", "primary", "test", missing, None), guard(0.0, effect=missing)])
    assert verdict.verdict == "keep_running"
    assert verdict.reasons[0] == "test: likes has no result because the control has 0 units, at least 2 are needed."
    assert "cannot be judged" in verdict.reasons[1]
