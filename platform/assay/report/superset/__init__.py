"""Dashboards as an importable bundle of Superset 6.1: views in, YAML texts and a ZIP out."""

from assay.report.superset.bundle import bundle, pack
from assay.report.superset.views import BoardView, Measure, Panel, Source

__all__ = ["BoardView", "Measure", "Panel", "Source", "bundle", "pack"]
