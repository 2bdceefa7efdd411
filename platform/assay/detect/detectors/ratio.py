"""A ratio by its counts: season × level on numerators, with the denominators as exposure."""

from __future__ import annotations

from assay.detect import seasonal
from assay.detect.history import History
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation


@detector
def ratio(
    data: History,
    newest: int,
    *,
    threshold: float = 4.0,
    history: int = 56,
    min_history: int = 14,
    half_life: float = 12.0,
    span: int = 2,
) -> Expectation:
    """As `seasonal_level`, with a longer half-life: ratios wander less than counts, and each slot says less.

    The expected numerator is denominator × level × season, its noise binomial at least (Poisson for ratios above 1),
    and a slot moves the level by its denominator. Counts and gauges are taken as `seasonal_level` takes them. Raises
    DefinitionsError (E104) for impossible parameters.
    """
    if not (threshold > 0 and 7 <= min_history <= history and half_life > 0 and span in (1, 2)):
        raise refuse(
            "ratio", "A season needs a week at least, and a score one slot or two.",
            "Keep threshold > 0, 7 <= min_history <= history, half_life > 0 and span 1 or 2.",
            threshold=threshold, history=history, min_history=min_history, half_life=half_life, span=span,
        )  # fmt: skip
    return seasonal.expect(data, newest, threshold, span, seasonal.setting_of(history, min_history, half_life))
