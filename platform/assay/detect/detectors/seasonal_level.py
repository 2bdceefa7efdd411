"""Season × level with pooled noise: the default."""

from __future__ import annotations

from assay.detect import seasonal
from assay.detect.history import History
from assay.detect.registry import detector, refuse
from assay.detect.scores import Expectation


@detector
def seasonal_level(
    data: History,
    newest: int,
    *,
    threshold: float = 4.0,
    history: int = 56,
    min_history: int = 14,
    half_life: float = 6.0,
    span: int = 2,
) -> Expectation:
    """The shape of the week from `history` days times a level with a half-life of `half_life` slots.

    The noise is pooled over ±4 slots and 28 days, and never under that of counting; counts are scored on Anscombe's
    scale. With `span` 2 the sum of the last two slots counts too, which finds small drops within two slots; 1 judges
    each slot alone. A series learns until `min_history` days hold at least half of their slots. Formulas and sources:
    `assay.detect.season` and `assay.detect.level`. Raises DefinitionsError (E104) for impossible parameters.
    """
    if not (threshold > 0 and 7 <= min_history <= history and half_life > 0 and span in (1, 2)):
        raise refuse(
            "seasonal_level", "A season needs a week at least, and a score one slot or two.",
            "Keep threshold > 0, 7 <= min_history <= history, half_life > 0 and span 1 or 2.",
            threshold=threshold, history=history, min_history=min_history, half_life=half_life, span=span,
        )  # fmt: skip
    return seasonal.expect(data, newest, threshold, span, seasonal.setting_of(history, min_history, half_life))
