"""Posteriors against hand-made numbers, simulation and the closed form for whole counts."""

from __future__ import annotations

from collections.abc import Callable
from math import exp

import numpy as np
import pytest
from scipy import stats as reference
from scipy.integrate import quad
from scipy.special import betaln

from assay.errors import UsageError
from assay.stats import Effect, Posterior, Prior, beta_binomial, posterior


def effect(difference: float, se: float = 1.0) -> Effect:
    return Effect("welch", "mean", difference=difference, se=se)


def test_the_gaussian_posterior_weighs_by_precision() -> None:
    found = posterior(effect(3.0, 0.5), Prior(sd=1.0, mean=-1.0))
    assert found.mean == pytest.approx((3 / 0.25 - 1) / (1 / 0.25 + 1))
    assert found.sd == pytest.approx((1 / 0.25 + 1) ** -0.5)


def test_a_flat_prior_repeats_the_interval_and_the_one_sided_p() -> None:
    found = posterior(effect(1.5), alpha=0.1)
    law = reference.norm(1.5, 1)
    assert (found.low, found.high) == pytest.approx(law.interval(0.9))
    assert found.chance_to_win == pytest.approx(law.sf(0))


@pytest.mark.parametrize("mean", [-6.0, -0.3, 0.0, 0.4, 3.0, 12.0])
def test_expected_losses_are_their_integrals(mean: float) -> None:
    found, density = posterior(effect(mean)), reference.norm(mean, 1).pdf
    loss = quad(lambda x: -x * density(x), mean - 40, 0, points=[mean], epsabs=0)[0] if mean < 0 else (
        quad(lambda x: x * density(-x), 0, 25, epsabs=0)[0]
    )  # fmt: skip
    assert found.expected_loss == pytest.approx(loss, rel=1e-9)
    assert found.expected_loss_control - found.expected_loss == pytest.approx(mean, abs=1e-12)  # type: ignore[operator]


def test_the_rope_is_the_mass_inside() -> None:
    law = reference.norm(0.2, 1)
    assert posterior(effect(0.2), rope=0.5).rope == pytest.approx(law.cdf(0.5) - law.cdf(-0.5))
    assert posterior(effect(0.2)).rope is None


def test_a_metric_that_should_fall_wins_by_falling() -> None:
    up, down = posterior(effect(-2.0)), posterior(effect(-2.0), good="down")
    assert up.chance_to_win == pytest.approx(1 - down.chance_to_win)  # type: ignore[operator]
    assert (up.expected_loss, up.expected_loss_control) == (down.expected_loss_control, down.expected_loss)
    assert (up.low, up.high) == (down.low, down.high)


def test_under_the_prior_chances_are_what_they_say() -> None:
    """Effects drawn from the prior: of those with a chance to win of 70–80 %, so many are really ahead."""
    rng, prior = np.random.default_rng(50), Prior(sd=1.0)
    truth = rng.normal(0, 1, 20_000)
    seen = truth + rng.normal(0, 0.7, truth.size)
    chances = np.array([posterior(effect(float(d), 0.7), prior).chance_to_win for d in seen])
    inside = (chances > 0.7) & (chances < 0.8)
    wins = (truth[inside] > 0).mean()
    assert wins == pytest.approx(chances[inside].mean(), abs=4 * np.sqrt(0.75 * 0.25 / inside.sum()))


def test_an_effect_without_numbers_keeps_its_reason() -> None:
    nobody = Effect("welch", "mean", reason="the control has 0 units, at least 2 are needed")
    assert posterior(nobody) == Posterior(reason=nobody.reason)
    assert posterior(Effect("u", "shift", difference=1.0)).reason


# --- Beta-binomial ---


def chance(control: tuple[int, int], treatment: tuple[int, int]) -> float:
    """P(B > A) for whole parameters as a finite sum: Miller (2015), Formulas for Bayesian A/B testing, eq. 6."""
    (a1, n1), (a2, n2) = control, treatment
    alpha_a, beta_a, alpha_b, beta_b = a1 + 1, n1 - a1 + 1, a2 + 1, n2 - a2 + 1
    return sum(
        exp(betaln(alpha_a + i, beta_b + beta_a) - np.log(beta_b + i) - betaln(1 + i, beta_b) - betaln(alpha_a, beta_a))
        for i in range(alpha_b)
    )


@pytest.mark.parametrize(("control", "treatment"), [
    ((10, 100), (20, 100)), ((0, 3), (3, 3)), ((3, 3), (0, 3)), ((500, 10_000), (560, 10_000)), ((0, 0), (2, 5)),
    ((1, 3), (40_000, 80_000)), ((40_000, 80_000), (1, 3)), ((400, 1000), (200, 1000)),
])  # fmt: skip
def test_the_chance_to_win_is_the_finite_sum(control: tuple[int, int], treatment: tuple[int, int]) -> None:
    assert beta_binomial(control, treatment).chance_to_win == pytest.approx(chance(control, treatment), rel=1e-7)


@pytest.mark.parametrize(("control", "treatment"), [((3, 20), (9, 25)), ((5, 9), (70_000, 100_000))])
@pytest.mark.parametrize("prior", [(1.0, 1.0), (0.5, 0.5), (3.0, 7.0)])
def test_everything_agrees_with_simulation(
    control: tuple[int, int], treatment: tuple[int, int], prior: tuple[float, float]
) -> None:
    rng, draws = np.random.default_rng(51), 400_000
    before, after = (rng.beta(prior[0] + won, prior[1] + n - won, draws) for won, n in (control, treatment))
    gap = after - before
    found = beta_binomial(control, treatment, prior, rope=0.05)
    error = 5 * gap.std() / np.sqrt(draws)
    assert found.mean == pytest.approx(gap.mean(), abs=error)
    assert found.sd == pytest.approx(gap.std(), rel=0.01)
    assert found.expected_loss == pytest.approx(np.maximum(-gap, 0).mean(), abs=error)
    assert found.expected_loss_control == pytest.approx(np.maximum(gap, 0).mean(), abs=error)
    assert found.rope == pytest.approx((np.abs(gap) < 0.05).mean(), abs=5 * 0.5 / np.sqrt(draws))
    for end, share in ((found.low, 0.025), (found.high, 0.975)):
        assert (gap < end).mean() == pytest.approx(share, abs=5 * np.sqrt(0.025 / draws))


def test_large_counts_meet_the_gaussian() -> None:
    exact = beta_binomial((21_000, 100_000), (21_300, 100_000))
    p, q = 0.21, 0.213
    normal = posterior(effect(q - p, float(np.sqrt((p * (1 - p) + q * (1 - q)) / 100_000))))
    assert exact.chance_to_win == pytest.approx(normal.chance_to_win, abs=1e-4)
    assert (exact.low, exact.high) == pytest.approx((normal.low, normal.high), rel=1e-2)


def test_a_proportion_that_should_fall() -> None:
    up, down = beta_binomial((20, 100), (10, 100)), beta_binomial((20, 100), (10, 100), good="down")
    assert up.chance_to_win + down.chance_to_win == pytest.approx(1)  # type: ignore[operator]
    assert down.expected_loss == pytest.approx(up.expected_loss_control)


@pytest.mark.parametrize("mistake", [
    lambda: Prior(sd=0.0), lambda: Prior(sd=float("nan")), lambda: posterior(effect(1.0), rope=-1.0),
    lambda: posterior(effect(1.0), alpha=1.0), lambda: beta_binomial((5, 4), (1, 2)),
    lambda: beta_binomial((1, 4), (1, 2), (0.0, 1.0)),
])  # fmt: skip
def test_mistakes_are_told(mistake: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        mistake()
