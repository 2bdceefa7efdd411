"""Difference of means per unit by Student's t test."""

from __future__ import annotations

from assay.stats.cuped import estimate
from assay.stats.effect import Effect
from assay.stats.estimand import Estimand
from assay.stats.moments import Moments
from assay.stats.registry import method
from assay.stats.setting import Setting
from assay.stats.welch_t import student_t


@method("student", needs="moments", estimands=("mean",), otherwise="delta")
def student(estimand: Estimand, control: Moments, treatment: Moments, setting: Setting) -> Effect:
    """Student (1908), with one variance for both arms: only for arms of about the same size or the same spread."""
    return student_t("student", estimand.kind, estimate(estimand, control, treatment), setting)
