"""Verdicts and their reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats as reference

from assay.stats import (
    Effect,
    Gate,
    MetricColumns,
    Moments,
    Planned,
    Progress,
    Result,
    compare,
    decide,
    noninferiority,
    power_at,
    sequential,
)


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


# --- non-inferiority ---


@pytest.mark.parametrize("relative", ["delta", "log", "fieller"])
@pytest.mark.parametrize("margin", [-0.05, -0.01, 0.0, 0.02, 0.2])
def test_the_guardrails_p_agrees_with_its_interval(relative: Any, margin: float) -> None:
    rng = np.random.default_rng(80)
    for shift in rng.normal(0, 0.3, 40):
        arms = [Moments.of(["x"], rng.normal(mean, 2, (400, 1))) for mean in (10.0, 10.0 + shift)]
        effect = compare(MetricColumns("x"), *arms, relative=relative)
        found = noninferiority(effect, margin)
        limits_falls = margin <= 0
        kept = effect.relative_low > margin if limits_falls else effect.relative_high < margin  # type: ignore[operator]
        broken = effect.relative_high < margin if limits_falls else effect.relative_low > margin  # type: ignore[operator]
        assert (found.pvalue < 0.025, found.pvalue_harm < 0.025) == (kept, broken)  # type: ignore[operator]


def test_the_guardrails_p_is_the_delta_methods() -> None:
    """By hand: lift r with se √(v_t + (1 + r)² v_c) ÷ control, against the margin."""
    rng = np.random.default_rng(81)
    control, treatment = rng.gamma(2, 3, 4000), rng.gamma(2, 2.95, 4000)
    effect = compare(MetricColumns("x"), *(Moments.of(["x"], arm[:, None]) for arm in (control, treatment)))
    c, t = control.mean(), treatment.mean()
    se = np.sqrt(treatment.var(ddof=1) / 4000 + (t / c) ** 2 * control.var(ddof=1) / 4000) / c
    expected = reference.t.sf((t / c - 1 + 0.05) / se, effect.df)
    assert noninferiority(effect, -0.05).pvalue == pytest.approx(expected, rel=1e-9)


def test_the_guardrails_p_keeps_its_level_on_the_margin() -> None:
    rng, runs = np.random.default_rng(82), 2000
    found = []
    for _ in range(runs):
        arms = [Moments.of(["x"], rng.normal(mean, 2, (300, 1))) for mean in (10.0, 9.5)]
        found.append(noninferiority(compare(MetricColumns("x"), *arms), -0.05).pvalue)
    assert reference.kstest(found, "uniform").pvalue > 0.001  # type: ignore[arg-type]


def test_without_a_relative_interval_there_is_no_guardrail_test() -> None:
    from_zero = Effect("welch", "mean", 0.0, 1.0, 1.0, 0.5, 1.5, se=0.25, pvalue=1e-4)
    assert noninferiority(from_zero, -0.01).reason
    assert decide([], [WIN, guard(0.0, effect=from_zero)]).verdict == "keep_running"


# --- before the end ---

EARLY = Progress(units=6_000, days=3, planned_days=7, planned_units=14_000)
DECLARED = replace(EARLY, sequential="obrien_fleming")
END = replace(EARLY, days=7)


def looked(change: float, stopped: bool) -> sequential.Look:
    """A look at the metric of `result(change)`, whose band is half as wide again as the plain interval."""
    se, reach = 0.2 * 0.01 / float(reference.t.isf(0.025, 1e4)), 0.2 * 0.015
    return sequential.Look(3, 1.0, 0.2 * change, se, 0.2 * change - reach, 0.2 * change + reach, 1e-6, 1e-3, stopped)


@pytest.mark.parametrize(
    ("results", "progress", "expected"),
    [
        ([WIN], END, "ship"),
        ([WIN], EARLY, "keep_running"),
        ([LOSS], EARLY, "keep_running"),
        ([WIN, guard(-0.05)], EARLY, "do_not_ship"),
        ([WIN, guard(-0.0155)], EARLY, "keep_running"),
        ([WIN, guard(-0.0155)], END, "do_not_ship"),
        ([WIN], DECLARED, "keep_running"),
        ([result(look=looked(0.08, True))], DECLARED, "ship"),
        ([result(look=looked(0.08, False))], DECLARED, "keep_running"),
        ([result(change=-0.08, look=looked(-0.08, True))], DECLARED, "do_not_ship"),
        ([result(look=looked(0.08, True)), guard(-0.003)], DECLARED, "keep_running"),
        ([result(look=looked(0.08, True)), guard(-0.003)], replace(DECLARED, days=7), "ship"),
        ([result(look=looked(0.08, True)), guard(0.0, half=0.001)], DECLARED, "ship"),
        ([result(look=looked(0.08, True)), guard(-0.003, look=looked(-0.003, False))], DECLARED, "keep_running"),
        ([result(look=looked(0.08, True)), guard(0.01, look=looked(0.01, False))], DECLARED, "ship"),
        ([result(look=looked(0.08, True)), FLAT], DECLARED, "ship"),
        ([WIN, result(look=looked(0.08, False))], replace(DECLARED, days=7), "ship"),
        ([result(look=looked(0.08, False))], replace(DECLARED, days=7), "keep_running"),
    ],
)
def test_verdicts_while_it_runs(results: list[Result], progress: Progress, expected: str) -> None:
    assert decide([], results, progress=progress).verdict == expected


def test_a_blocked_experiment_stays_blocked_while_it_runs() -> None:
    assert decide([FAILED], [WIN], progress=EARLY).verdict == "blocked"


def test_looking_early_says_why_it_is_not_judged() -> None:
    reasons = decide([], [WIN], progress=EARLY).reasons
    assert reasons[0] == "test: ctr stands at +8.00 % so far, which is not judged before the end."
    assert reasons[1].startswith("Day 3 of 7: judging before the planned end would find effects that are not there")
    assert reasons[2] == (
        "6,000 of 14,000 planned units are in (43 %); at the present pace 4 more days would be needed."
    )


def test_a_declared_rule_tells_its_band() -> None:
    reasons = decide([], [result(look=looked(0.08, True))], progress=DECLARED).reasons
    assert "+8.00 % (between +6.50 % and +9.50 %), clearly better" in reasons[0]
    assert reasons[1] == "Day 3 of 7: the declared sequential rule allows to look before the planned end."


def test_an_unclear_end_says_what_could_have_been_found() -> None:
    flat = result(change=0.005, mde=0.002)
    [told, units] = decide([], [flat], progress=END).reasons
    assert f"±0.002 would have been found with a probability of {100 * power_at(2, 0.05):.0f} %; for 80 % " in told
    # 2.8 standard errors are needed where 2 are there: (2.8 / 2)² of the units, which took 7 days.
    assert told.endswith("at the present pace 7 more days would be needed.")
    assert units.startswith("6,000 of 14,000 planned units are in (43 %)")


def test_an_experiment_without_units_promises_no_day() -> None:
    nobody = Progress(units=0, days=2, planned_days=7, planned_units=100)
    missing = Effect("welch", "mean", reason="the control has 0 units, at least 2 are needed")
    reasons = decide([], [Result("likes", "primary", "test", missing, None)], progress=nobody).reasons
    assert reasons[-1] == "0 of 100 planned units are in (0 %); no unit has arrived yet."


def test_secondary_metrics_are_told_if_they_changed() -> None:
    told = decide([], [WIN, result("likes", "secondary", -0.5), result("posts", "secondary", 0.001)]).reasons
    assert [reason.split(",")[0] for reason in told[1:]] == ["test: likes"]
    assert "changed by −50.0 % (between −51.0 % and −49.0 %)" in told[1]


def test_adjusted_intervals_are_the_ones_told() -> None:
    wider = replace(WIN.effect, relative_low=0.065, relative_high=0.095)
    assert "(between +6.50 % and +9.50 %)" in decide([], [replace(WIN, adjusted=wider)]).reasons[0]


def test_a_look_without_an_answer_decides_nothing() -> None:
    [silent] = sequential.looks([(None, None, None)], "pocock", planned=Planned(7))
    verdict = decide([], [result(look=silent), guard(0.0, look=silent)], progress=DECLARED)
    assert verdict.verdict == "keep_running"
    assert "has no result because this look has no effect" in verdict.reasons[0]
    assert "cannot be judged because this look has no effect" in verdict.reasons[1]


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["obrien_fleming", "pocock", "power_family", "confidence_sequence", "msprt"])
def test_deciding_every_day_ships_nothing_that_is_nothing(rule: str) -> None:
    """600 A/A experiments, decided after each of 7 days: at most alpha of them ever ship or stop."""
    rng, runs, alpha = np.random.default_rng(83), 600, 0.05
    metric, decided = MetricColumns("x"), 0
    for _ in range(runs):
        arms = rng.exponential(1, (2, 7, 100))
        seen: list[sequential.Interim] = []
        for day in range(1, 8):
            effect = compare(metric, *(Moments.of(["x"], arm[:day].reshape(-1, 1)) for arm in arms))
            seen.append(sequential.interim(effect))
            look = sequential.looks(seen, rule, alpha, planned=Planned(looks=7))[-1]
            found = Result("x", "primary", "test", effect, effect.pvalue, look=look)
            verdict = decide([], [found], progress=Progress(200 * day, day, 7, sequential=rule), alpha=alpha)
            if verdict.verdict != "keep_running":
                decided += 1
                break
    assert decided / runs <= alpha + 4 * np.sqrt(alpha * (1 - alpha) / runs)
