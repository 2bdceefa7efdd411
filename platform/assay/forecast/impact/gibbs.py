"""The structural time series of CausalImpact, by Gibbs sampling in numpy: what would have come without the event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from assay.forecast.series import Bools, Floats

PriorName = Literal["weak", "causalimpact"]
EXPECTED_SIZE, EXPECTED_R2, RESIDUAL_DF = 3.0, 0.8, 50.0
INFORMATION, SHRINKAGE = 0.01, 0.5
SEASON_PRECISION = 1.0  # of the days' effects, in residual variances


@dataclass(frozen=True, slots=True)
class Prior:
    """Of the level's daily step, in standard deviations of the series: a guess, and how many days it counts as."""

    step: float
    df: float


PRIORS: dict[str, Prior] = {"weak": Prior(0.05, 1.0), "causalimpact": Prior(0.01, 32.0)}


@dataclass(frozen=True, slots=True, eq=False)
class Counterfactual:
    """`draws`: float64, shape (draws, days after), values without the event. `included`: by control, its share."""

    draws: Floats
    included: Floats


def counterfactual(
    before: Floats, controls: Floats, prior: PriorName = "weak", season: int = 7, draws: int = 1000, seed: int = 0
) -> Counterfactual:
    """Local level + fixed season + spike-and-slab regression on the controls.

    `before`: shape (days before,), NaN for missing days. `controls`: shape (days before + days after, columns), no NaN.
    `season`: 1 for none. A fifth of the draws more are made and thrown away.

    Source: Brodersen, Gallusser, Koehler, Remy, Scott (2015), Inferring causal impact using Bayesian structural
    time-series models, Ann. Appl. Stat. 9, 247-274, section 2; Scott and Varian (2014), Int. J. Math. Model. Numer.
    Optim. 5, 4-23, for the regression's priors (expected size 3, R² 0.8, 50 degrees of freedom, Zellner's g with half
    of the shrinkage diagonal). The level's prior is theirs for "causalimpact"; "weak" lets the level drift.
    """
    known = ~np.isnan(before)
    center, scale = float(np.mean(before[known])), float(np.std(before[known], ddof=1))
    target = np.where(known, (before - center) / scale, 0.0)
    design = np.hstack([_season(len(controls), season), _standardised(controls, len(before))])
    regression = _Regression(design[: len(before)], known, free=controls.shape[1])
    state = _State(target, known, PRIORS[prior])
    random, kept, included = default_rng(seed), [], np.zeros(controls.shape[1])
    warm_up = draws // 5
    for turn in range(warm_up + draws):
        regression.draw(target - state.level, random)
        fitted = design @ regression.beta
        state.draw(target - fitted[: len(before)], regression.variance, random)
        if turn >= warm_up:
            kept.append(state.ahead(len(controls) - len(before), regression.variance, random) + fitted[len(before) :])
            included += regression.included[len(design.T) - len(included) :]
    return Counterfactual(center + scale * np.array(kept), included / draws)


@dataclass(frozen=True, slots=True, eq=False)
class _Subset:
    """Of some columns, what stays as it is while values change: the inverse of the precision's Cholesky factor."""

    used: NDArray[np.int_]
    inverse: Floats
    evidence: float


class _Regression:
    """Coefficients with spikes at zero for the last `free` columns; the others always take part."""

    def __init__(self, design: Floats, known: Bools, free: int) -> None:
        seen = design[known]
        self.seen, self.known, self.days = seen, known, len(seen)
        self.gram = seen.T @ seen
        columns, fixed = len(self.gram), len(self.gram) - free
        prior = INFORMATION / self.days * ((1 - SHRINKAGE) * self.gram + SHRINKAGE * np.diag(np.diag(self.gram)))
        prior[:fixed], prior[:, :fixed] = 0.0, 0.0
        prior[range(fixed), range(fixed)] = SEASON_PRECISION
        self.prior, self.choices = prior, range(fixed, columns)
        self.chance = min(EXPECTED_SIZE / max(free, 1), 1.0)
        self.included = np.ones(columns, dtype=bool)
        self.visited: dict[bytes, _Subset] = {}
        self.beta, self.variance = np.zeros(columns), 1.0 - EXPECTED_R2

    def draw(self, values: Floats, random: Generator) -> None:
        rest = values[self.known]
        moment, square = self.seen.T @ rest, float(rest @ rest)
        if self.chance < 1:
            self._choose(moment, square, random)
        subset = self._subset()
        half, left = self._explained(subset, moment, square)
        self.variance = left / random.chisquare(RESIDUAL_DF + self.days)
        noise = np.sqrt(self.variance) * random.standard_normal(len(half))
        self.beta = np.zeros_like(self.beta)
        self.beta[subset.used] = subset.inverse.T @ (half + noise)

    def _choose(self, moment: Floats, square: float, random: Generator) -> None:
        odds = np.log(self.chance / (1 - self.chance))
        now = self._evidence(moment, square)
        for column in random.permutation(list(self.choices)):
            self.included[column] ^= True
            other = self._evidence(moment, square)
            gain = (other - now) + (odds if self.included[column] else -odds)
            if np.log(random.random()) < -np.logaddexp(0.0, -gain):
                now = other
            else:
                self.included[column] ^= True

    def _evidence(self, moment: Floats, square: float) -> float:
        """log p(values | columns), up to a constant: Scott and Varian (2014), equation 16."""
        subset = self._subset()
        _, left = self._explained(subset, moment, square)
        return float(subset.evidence - 0.5 * (RESIDUAL_DF + self.days) * np.log(left))

    def _explained(self, subset: _Subset, moment: Floats, square: float) -> tuple[Floats, float]:
        """The mean times the Cholesky factor of the precision, and twice the scale of the residual variance."""
        half = subset.inverse @ moment[subset.used]
        return half, RESIDUAL_DF * (1 - EXPECTED_R2) + square - float(half @ half)

    def _subset(self) -> _Subset:
        key = self.included.tobytes()
        if key not in self.visited:
            used = np.flatnonzero(self.included)
            block = np.ix_(used, used)
            factor = np.linalg.cholesky(self.gram[block] + self.prior[block])
            evidence = 0.5 * np.linalg.slogdet(self.prior[block])[1] - np.sum(np.log(np.diag(factor)))
            self.visited[key] = _Subset(used, np.linalg.inv(factor), float(evidence))
        return self.visited[key]


class _State:
    """A level that takes a normal step a day; drawn whole, by the Cholesky factor of its banded precision.

    Rue and Held (2005), Gaussian Markov Random Fields, algorithm 2.4.
    """

    def __init__(self, target: Floats, known: Bools, prior: Prior) -> None:
        self.target, self.known, self.prior = target, known, prior
        self.level, self.step = np.zeros_like(target), prior.step**2
        self.first = float(target[known][0])

    def draw(self, values: Floats, variance: float, random: Generator) -> None:
        from scipy.linalg.lapack import dpbtrf, dtbtrs  # their wrappers take longer than they do

        days, per_step = len(values), 1 / self.step
        precision = np.zeros((2, days))
        precision[0] = self.known / variance + per_step * np.concatenate([[1.0], np.full(days - 2, 2.0), [1.0]])
        precision[0, 0] += 1.0  # the first level: around the first value, a standard deviation wide
        precision[1, :-1] = -per_step
        factor, _ = dpbtrf(precision, lower=1)
        right = np.where(self.known, values, 0.0) / variance
        right[0] += self.first
        half, _ = dtbtrs(factor, right, uplo="L")
        self.level, _ = dtbtrs(factor, half + random.standard_normal(days), uplo="L", trans="T")
        moved = float(np.sum(np.diff(self.level) ** 2))
        drawn = (self.prior.df * self.prior.step**2 + moved) / random.chisquare(self.prior.df + days - 1)
        self.step = min(drawn, 1.0)  # R's upper limit: a step is at most a standard deviation of the series

    def ahead(self, days: int, variance: float, random: Generator) -> Floats:
        walk = self.level[-1] + np.cumsum(np.sqrt(self.step) * random.standard_normal(days))
        return np.asarray(walk + np.sqrt(variance) * random.standard_normal(days))


def _season(days: int, season: int) -> Floats:
    """A column per position but the last, which is minus their sum; shape (days, season - 1)."""
    place = np.arange(days) % season
    shown = (place[:, None] == np.arange(season - 1)).astype(np.float64)
    return np.asarray(shown - (place == season - 1)[:, None])


def _standardised(controls: Floats, before: int) -> Floats:
    seen = controls[:before]
    spread = np.std(seen, axis=0, ddof=1) if controls.shape[1] else np.ones(0)
    return np.asarray((controls - np.mean(seen, axis=0)) / np.where(spread > 0, spread, 1.0))
