"""Asymptotic confidence sequences."""

from __future__ import annotations

from assay.stats.sequential.mixture import mixture, narrowest
from assay.stats.sequential.rules import Band, Course, Planned, rule


@rule("confidence_sequence")
def confidence_sequence(course: Course, alpha: float, planned: Planned) -> Band:
    """Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021; Annals of Statistics 2024), eq. 7, with ρ from §2.3.

    Valid at any number of looks, also after the planned end. The free parameter ρ is chosen so that the band is
    narrowest at the planned end.
    """
    ratio = narrowest(alpha) * course.information / course.at_end(planned)
    return mixture(course.z, ratio, alpha)
