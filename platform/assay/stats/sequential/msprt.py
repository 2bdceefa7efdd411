"""The mixture sequential probability ratio test."""

from __future__ import annotations

from scipy.special import ndtri

from assay.stats.sequential.mixture import mixture
from assay.stats.sequential.rules import Band, Course, Planned, rule

_POWER = 0.8


@rule("msprt")
def msprt(course: Course, alpha: float, planned: Planned) -> Band:
    """Johari, Koomen, Pekelis and Walsh (2017), eq. 8: always valid p-values from effects mixed over N(0, τ²).

    τ is the planned `mde`, because the test is quickest for effects of the size that are mixed in; without one it is
    the effect that a fixed test would find at the planned end with a power of 80 %. Valid at any number of looks.
    """
    if planned.mde:
        per_information = (planned.mde / course.ses[0]) ** 2 / course.information[0]
    else:
        per_information = (ndtri(_POWER) - ndtri(alpha / 2)) ** 2 / course.at_end(planned)
    return mixture(course.z, course.information * per_information, alpha)
