"""Rules of meaning, each a small function over the whole catalog that yields what it finds wrong.

`broken` names definitions that were reported before: what refers to one is not a second mistake.
"""

from __future__ import annotations

from assay.catalog.rules import alerts, experiments, metrics, reports, sources
from assay.catalog.rules.common import Rule

RULES: tuple[Rule, ...] = (
    sources.lateness,
    sources.times,
    metrics.columns,
    experiments.references,
    experiments.expressions,
    experiments.dates,
    experiments.variants,
    experiments.roles,
    experiments.readings,
    alerts.references,
    alerts.times,
    alerts.judges_something,
    alerts.quiet_hours,
    alerts.labels,
    alerts.history,
    reports.references,
    reports.compare,
)
