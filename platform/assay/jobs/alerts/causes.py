"""Why a total moved: the slices that explain a change since midnight, against the same hours of the week before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay import detect
from assay.catalog.catalog import Metric
from assay.catalog.series import Size, Total
from assay.detect import Cause
from assay.jobs.alerts import histories, slots
from assay.jobs.alerts.histories import Matrix, Windows
from assay.jobs.alerts.rule import Rule

_BEFORE = 7  # days


def explain(rule: Rule, metric: Metric, last: int) -> tuple[Cause, ...]:
    """The slices behind a change of what has come up to the slot `last`.

    Only for metrics that count: a quotient changes by its parts.
    """
    if not rule.spec.explain or not isinstance(metric.series, Total | Size):
        return ()
    windows = _windows(rule, last)
    end = windows.timeline.end(last)
    assert end is not None, "a judged slot exists"
    stored = slots.bring_up_to_date(rule.context, rule.spec.every, [metric], windows.days[0], end)
    matrix = histories.read(rule.context, [metric], rule.spec.explain, windows, stored)[0]
    known = [column for column in range(_BEFORE) if matrix.stored[column]]
    return detect.explain(_before_after(matrix, known)) if known and matrix.stored[_BEFORE] else ()


def _windows(rule: Rule, last: int) -> Windows:
    """The slots since midnight, or the alert's window if that is longer; of each day as many."""
    own = rule.timeline
    since_midnight = last % own.per_day + 1
    length = max(since_midnight, rule.stride)
    start = last + 1 - (_BEFORE + 1) * own.per_day
    return Windows(own, start, _BEFORE + 1, own.per_day, length)


def _before_after(matrix: Matrix, known: Sequence[int]) -> dict[str, list[tuple[str, float, float]]]:
    """Dimension: (value, mean of the known days before, today)."""
    before, after = np.nan_to_num(matrix.value[:, list(known)]).mean(axis=1), np.nan_to_num(matrix.value[:, _BEFORE])
    found: dict[str, list[tuple[str, float, float]]] = {}
    for row, (dimension, value) in enumerate(matrix.names):
        found.setdefault(dimension, []).append((value, float(before[row]), float(after[row])))
    return found
