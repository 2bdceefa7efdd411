"""Looking before the end: one rule per file, registered by name.

>>> from assay.stats.sequential import Planned, looks
>>> days = [(1.0, 0.8, 0.5), (2.0, 1.3, 0.36), (3.0, 1.4, 0.29)]
>>> [look.stopped for look in looks(days, "obrien_fleming", planned=Planned(looks=7))]
[False, False, True]
"""

from __future__ import annotations

from assay.stats.sequential import confidence_sequence, group_sequential, msprt, none  # noqa: F401  they register
from assay.stats.sequential.looks import Interim, Look, interim, looks
from assay.stats.sequential.rules import RULES, Band, Course, Planned, Rule, rule
from assay.stats.sequential.srm import SrmLook, sequential_srm

__all__ = [
    "RULES",
    "Band",
    "Course",
    "Interim",
    "Look",
    "Planned",
    "Rule",
    "SrmLook",
    "interim",
    "looks",
    "rule",
    "sequential_srm",
]
