"""No sequential rule: one look counts, the planned end."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from assay.stats.sequential.rules import Band, Course, Planned, rule


@rule("none")
def none(course: Course, alpha: float, planned: Planned) -> Band:
    """The plain normal interval at every look; before the planned end no look may stop, so its level is 0."""
    size = len(course.z)
    reach = np.full(size, -ndtri(alpha / 2))
    levels = np.where(course.numbers < planned.looks, 0.0, alpha)
    return Band(reach, 2 * ndtr(-np.abs(course.z)), levels, (None,) * size)
