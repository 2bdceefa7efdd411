"""The whole analysis: an estimate, its checks, and whether to believe it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from assay.forecast.impact.checks import PLACEBOS, Holdout, Placebos, holdout, in_space, in_time, smallest_visible
from assay.forecast.impact.effect import Effect
from assay.forecast.impact.second import Second, second_opinion
from assay.forecast.impact.study import Study
from assay.forecast.series import Floats

Trust = Literal["ok", "weak", "refused"]
ALPHA = 0.05
TOUCHED = 0.01  # of a control: stricter, as there are many
WEEKS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Impact:
    """`visible`: the smallest relative effect the design could have seen, to be told before the estimate.

    `found`: there is an effect, by the model and by the rank among placebos. `trust`: whether the answer, yes or no,
    may be believed; `reasons` say why not, in sentences.
    """

    effect: Effect
    time: Placebos
    space: Placebos
    held_out: Holdout
    visible: float
    second: Second | None
    found: bool
    trust: Trust
    reasons: tuple[str, ...]


def impact(values: Floats, controls: Floats | None, start: int, *, second: bool = False, **settings: Any) -> Impact:
    """The causal effect of an event that began on day `start`, with the checks that keep it honest.

    `values`: shape (days,), NaN for missing days. `controls`: shape (days, columns), series that the event cannot have
    touched, or None. `settings` as of `Study`. `second`: ask Orbit's DLT too, which needs the extra.

    An effect is found only if the model's p and the rank among placebos in time are both at most 5 %.
    Raises as `Study`.
    """
    beside = np.zeros((len(values), 0)) if controls is None else controls
    study = Study(np.asarray(values, dtype=np.float64), np.asarray(beside, dtype=np.float64), start, **settings)
    effect = study.effect()
    time, space, held = in_time(study, effect), in_space(study, effect), holdout(study)
    other = second_opinion(study, effect) if second else None
    found = effect.pvalue <= ALPHA and time.pvalue <= ALPHA
    visible = smallest_visible(effect, time)
    reasons = tuple(_doubts(study, effect, time, space, visible, other))
    trust: Trust = "refused" if not held.passed else "weak" if reasons else "ok"
    if not held.passed:
        reasons = (_of_holdout(held), *reasons)
    return Impact(effect, time, space, held, visible, other, found, trust, reasons)


def _doubts(
    study: Study, effect: Effect, time: Placebos, space: Placebos, visible: float, second: Second | None
) -> Iterator[str]:  # fmt: skip
    if not study.controls.shape[1]:
        yield "There is no control series: whatever else happened then is counted as the effect; suggestive at most."
    if study.start < 3 * study.after or study.start < 7 * WEEKS:
        wanted = max(3 * study.after, 7 * WEEKS)
        yield f"{study.start} days lie before the event; {wanted} are wanted: thrice those after it, and {WEEKS} weeks."
    if len(time.effects) < PLACEBOS:
        yield f"Only {len(time.effects)} fake dates fit before the event, too few for a rank of 5 %."
    if effect.pvalue <= ALPHA < time.pvalue and len(time.effects) >= PLACEBOS:
        yield f"The model sees an effect (p = {effect.pvalue:.3f}); fake dates show as much (p = {time.pvalue:.2f})."
    moved = _moved(effect, space, visible)
    if moved:
        yield f"{moved} of {len(space.effects)} controls moved by themselves; the event may have touched them too."
    if second and second.disagrees:
        yield f"Orbit's DLT says {second.relative:+.1%}, outside of the interval."


def _moved(effect: Effect, space: Placebos, visible: float) -> int:
    """How many controls the event seems to have touched: one that contains the treated series hides the effect."""
    large = np.abs(space.effects) > 0.5 * max(abs(effect.relative.value), visible)
    return int(np.count_nonzero(large & (space.own <= TOUCHED)))


def _of_holdout(held: Holdout) -> str:
    return (
        f"The last days before the event are not understood: {held.coverage:.0%} of them lie inside intervals of 95 %, "
        f"MAPE {held.mape:.1%} against {held.naive_mape:.1%} of seasonal naive."
    )
