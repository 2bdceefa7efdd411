"""Validity gates: how often they raise a false alarm on clean data, and how often they find a planted fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from assay import stats
from assay.stats import Histogram, stream
from assay.stats.moments import Array
from tests.calibration.page import keep, kept, not_above, percent, table
from tests.calibration.shapes import LIKES, SEED, summarised

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ALPHAS = (0.05, 0.01, 0.001)  # gates decide at 0.001
FAULTS = 200
SPLIT = {"control": 1.0, "treatment": 1.0}
FOUR = {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}
EDGES = np.linspace(0, 1, 201)
VARIANTS = ("control", "treatment")

# (stream, is the fault planted) -> p-value
Run = Callable[[np.random.Generator, bool], float | None]


@dataclass(frozen=True, slots=True)
class Check:
    """`exact`: false alarms are exactly as many as stated, otherwise at most. `found`: the least share of faults."""

    name: str
    fault: str
    run: Run
    exact: bool = True
    runs: int = 4_000
    found: float = 0.9


def counts(rng: np.random.Generator, n: int, weights: dict[str, float]) -> dict[str, int]:
    whole = sum(weights.values())
    return dict(zip(weights, rng.multinomial(n, [w / whole for w in weights.values()]).tolist(), strict=True))


def srm(rng: np.random.Generator, fault: bool) -> float | None:
    return stats.srm(counts(rng, 10_000, {**SPLIT, "control": 1.12 if fault else 1.0}), SPLIT).pvalue


def srm_of_four(rng: np.random.Generator, fault: bool) -> float | None:
    return stats.srm(counts(rng, 10_000, {**FOUR, "d": 0.08 if fault else 0.1}), FOUR).pvalue


def srm_by_slice(rng: np.random.Generator, fault: bool) -> float | None:
    """Ten slices; on one of them a fifth of the treatment is lost."""
    sizes = (30, 100, 300, 500, 500, 1000, 1000, 2000, 4000, 5000)
    parts = {str(at): counts(rng, n, SPLIT) for at, n in enumerate(sizes)}
    if fault:
        parts["8"]["treatment"] = round(parts["8"]["treatment"] * 0.8)
    return stats.srm_slices(parts, SPLIT).pvalue


def srm_by_day(rng: np.random.Generator, fault: bool) -> float | None:
    """Fourteen days; on the last one the treatment was off for six hours."""
    days = {str(day): counts(rng, 2000, SPLIT) for day in range(14)}
    if fault:
        days["13"]["treatment"] = round(days["13"]["treatment"] * 18 / 24)
    return stats.srm_slices(days, SPLIT).pvalue


def exposure(rng: np.random.Generator, fault: bool) -> float | None:
    shares = 0.8, 0.75 if fault else 0.8
    exposed = dict(zip(VARIANTS, rng.binomial(5000, shares).tolist(), strict=True))
    return stats.exposure(exposed, dict.fromkeys(VARIANTS, 5000)).pvalue


def missing_covariate(rng: np.random.Generator, fault: bool) -> float | None:
    missing = dict(zip(VARIANTS, rng.binomial(3000, (0.3, 0.36 if fault else 0.3)).tolist(), strict=True))
    return stats.missing_covariate(missing, dict.fromkeys(VARIANTS, 3000)).pvalue


def imbalance(rng: np.random.Generator, fault: bool) -> float | None:
    """Five metrics of the same units; one of them was higher in the treatment before the start."""
    arms = [rng.gamma(2, 1, (500, 5)) + rng.gamma(1, 1, (500, 1)) for _ in VARIANTS]
    arms[1][:, 0] += 0.6 * fault
    tables = [[summarised(LIKES.columns, arm[None, :, [at]])[0] for arm in arms] for at in range(5)]
    return stats.imbalance({str(at): stats.compare(LIKES, *pair) for at, pair in enumerate(tables)}).pvalue


def dip_of_uniform(rng: np.random.Generator, fault: bool) -> float | None:
    """The least favourable shape with one peak; the fault is a hole of a third in the middle."""
    values = rng.random(2000)
    values = values[(np.abs(values - 0.5) > 1 / 6) | (rng.random(2000) < 0.65)] if fault else values
    return stats.bimodality(Histogram.of(EDGES, values)).pvalue


def rates(rng: np.random.Generator, n: int, *means: float) -> Array:
    """Rates of users around each of the means, half of them around the second."""
    middle = rng.choice(means, n)
    return rng.beta(40 * middle, 40 * (1 - middle))


def dip(rng: np.random.Generator, fault: bool) -> float | None:
    treatment = rates(rng, 2000, *((0.1, 0.32) if fault else (0.2,)))
    return stats.bimodality(*(Histogram.of(EDGES, arm) for arm in (treatment, rates(rng, 2000, 0.2)))).pvalue


def dip_of_two_peaks(rng: np.random.Generator, fault: bool) -> float | None:
    """Both variants have two peaks; in the faulty treatment they are further apart and deeper."""
    treatment = rates(rng, 2000, *((0.08, 0.5) if fault else (0.12, 0.36)))
    return stats.bimodality(*(Histogram.of(EDGES, arm) for arm in (treatment, rates(rng, 2000, 0.12, 0.36)))).pvalue


def distribution(rng: np.random.Generator, fault: bool) -> float | None:
    treatment = rates(rng, 2000, *((0.15, 0.25) if fault else (0.2,)))
    return stats.distribution(*(Histogram.of(EDGES, arm) for arm in (rates(rng, 2000, 0.2), treatment))).pvalue


def own_history(rng: np.random.Generator, fault: bool) -> float | None:
    now = rates(rng, 2000, 0.24 if fault else 0.2)
    return stats.own_history(*(Histogram.of(EDGES, arm) for arm in (rates(rng, 20_000, 0.2), now))).pvalue


def spread(rng: np.random.Generator, fault: bool) -> float | None:
    treatment = rates(rng, 1000, *((0.13, 0.27) if fault else (0.2,)))
    return stats.spread(*(Histogram.of(EDGES, arm) for arm in (rates(rng, 1000, 0.2), treatment))).pvalue


def levene(rng: np.random.Generator, fault: bool) -> float | None:
    return stats.levene(rates(rng, 500, 0.2), rates(rng, 500, *((0.13, 0.27) if fault else (0.2,)))).pvalue


def week(rng: np.random.Generator, last: float) -> list[tuple[str, float, float]]:
    """Daily effects with unequal errors; on the last day the effect is another one, by so many errors."""
    ses = 0.002 * (1 + np.arange(7) % 3)
    gaps = 0.01 + ses * rng.standard_normal(7) + np.where(np.arange(7) == 6, last * ses, 0.0)
    return [(str(day), gap, se) for day, (gap, se) in enumerate(zip(gaps.tolist(), ses.tolist(), strict=True))]


def days(rng: np.random.Generator, fault: bool) -> float | None:
    return stats.day_stability(week(rng, 7.0 * fault)).pvalue


def odd_day(rng: np.random.Generator, fault: bool) -> float | None:
    return stats.day_stability(week(rng, 7.0 * fault)).odd_pvalue


def novelty(rng: np.random.Generator, fault: bool) -> float | None:
    fading = 0.004 * fault
    line = [(float(day), 0.03 - fading * day + 0.003 * float(rng.standard_normal()), 0.003) for day in range(14)]
    return stats.novelty(line).pvalue


def twyman(rng: np.random.Generator, fault: bool) -> float | None:
    """Effects of the expected size, N(0, mde²), or five times the mde."""
    truth = 1.5 if fault else float(rng.normal(0, 0.3))
    arms = [summarised(LIKES.columns, rng.normal(10 + truth * arm, 1, (1, 400, 1)))[0] for arm in (0, 1)]
    return stats.twyman(stats.compare(LIKES, *arms), mde=0.3).pvalue


def wonder(rng: np.random.Generator, fault: bool) -> float | None:
    """A true lift of a half, the ceiling, or of nine tenths."""
    lift = 9.0 if fault else 5.0
    arms = [summarised(LIKES.columns, rng.normal(10 + lift * arm, 4, (1, 400, 1)))[0] for arm in (0, 1)]
    return stats.twyman(stats.compare(LIKES, *arms)).pvalue


CHECKS = (
    Check("srm, two variants", "control gets 1.12 shares", srm),
    Check("srm, four variants 4 : 3 : 2 : 1", "the smallest gets 20 % less", srm_of_four),
    Check("srm, ten slices", "a slice loses a fifth of the treatment", srm_by_slice, exact=False),
    Check("srm, fourteen days", "the treatment was off for six hours", srm_by_day, exact=False),
    Check("exposure", "80 % against 75 %", exposure),
    Check("missing covariate", "30 % against 36 % without a past", missing_covariate),
    Check("pre-period imbalance, five metrics", "0.35 standard deviations in one", imbalance, exact=False, runs=2_000),
    Check("dip, uniform", "a third of the middle is gone", dip_of_uniform, runs=2_000),
    Check("dip, with a control", "rates of 0.2 split into 0.10 and 0.32", dip, exact=False, runs=1_000),
    Check("dip, both with two peaks", "the peaks move apart", dip_of_two_peaks, exact=False, runs=1_000),
    Check("distribution", "rates of 0.2 split into 0.15 and 0.25", distribution, exact=False),
    Check("own history, tolerance 5 points", "the rate grew from 0.20 to 0.24", own_history, exact=False, runs=1_000),
    Check("spread", "rates of 0.2 split into 0.13 and 0.27", spread),
    Check("levene", "the same, half the units", levene),
    Check("day stability, Q", "one day 7 errors off", days),
    Check("day stability, odd day", "one day 7 errors off", odd_day, exact=False),
    Check("novelty", "the effect fades to nothing in a week", novelty),
    Check("twyman, with an mde", "5 times the mde", twyman),
    Check("twyman, without", "a lift of 90 %", wonder),
)
every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)


@cache
def pvalues(check: Check, fault: bool) -> Array:
    found = (
        check.run(stream(SEED, check.name, str(fault), at), fault) for at in range(FAULTS if fault else check.runs)
    )
    return np.array([_known(each) for each in found])


def _known(pvalue: float | None) -> float:
    assert pvalue is not None
    return pvalue


def alarms(check: Check, fault: bool, alpha: float) -> int:
    return int((pvalues(check, fault) < alpha).sum())


@every_check
def test_clean_data_raise_as_many_alarms_as_stated(check: Check) -> None:
    judge = kept if check.exact else not_above
    for alpha in ALPHAS:
        assert judge(alarms(check, False, alpha), check.runs, alpha), (alpha, alarms(check, False, alpha))


@every_check
def test_planted_faults_are_found(check: Check) -> None:
    """Four binomial standard errors below what is wanted would be a fault of the gate."""
    wanted = check.found
    assert alarms(check, True, 0.001) / FAULTS > wanted - 4 * (wanted * (1 - wanted) / FAULTS) ** 0.5


# --- the A/A gate ---

HISTORIES, REPLAYS = 150, 1_000


@cache
def broken(fault: bool) -> int:
    """How many histories of 1,500 units are called broken. The fault: rows of a user, split as if they were users."""
    found: Sequence[stats.AA] = [_replayed(at, fault) for at in range(HISTORIES)]
    return sum(each.verdict == "broken" for each in found)


def _replayed(at: int, fault: bool) -> stats.AA:
    rng = stream(SEED, "aa", str(fault), at)
    habit = np.repeat(rng.gamma(4, 5, 500), 3) if fault else rng.gamma(4, 5, 1500)
    history = stats.Samples.of(LIKES.columns, rng.poisson(habit)[:, None])
    groups = np.arange(1500) // 3 if fault else None
    return stats.aa(LIKES, history, replays=REPLAYS, seed=at, groups=groups)


def test_the_aa_gate() -> None:
    """Broken at 0.001 in any of four checks of one history: uniformity and three levels."""
    assert not_above(broken(False), HISTORIES, 0.004)
    assert broken(True) == HISTORIES


def test_the_page_says_what_was_measured() -> None:
    head = ("gate", *(f"alarms at {100 * alpha:g} %" for alpha in ALPHAS), "runs", "promise", "planted fault",
            "found at 0.1 %")  # fmt: skip
    aa = ["A/A on history", "—", "—", percent(broken(False), HISTORIES), str(HISTORIES), "at most 0.4 %",
          "three rows per user split one by one", percent(broken(True), HISTORIES)]  # fmt: skip
    keep("gates", table(head, [*map(row, CHECKS), aa]))


def row(check: Check) -> list[str]:
    return [
        check.name,
        *(percent(alarms(check, False, alpha), check.runs) for alpha in ALPHAS),
        str(check.runs),
        "exactly" if check.exact else "at most",
        check.fault,
        percent(alarms(check, True, 0.001), FAULTS),
    ]
