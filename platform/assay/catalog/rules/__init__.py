"""Rules of meaning, each a small function over the whole catalog that yields what it finds wrong.

`broken` names definitions that were reported before: what refers to one is not a second mistake.
"""

from __future__ import annotations

from assay.catalog.rules import (
    alerts,
    checks,
    experiments,
    forecasts,
    layers,
    metrics,
    models,
    renames,
    reports,
    routes,
    silences,
    sources,
)
from assay.catalog.rules.common import Rule

RULES: tuple[Rule, ...] = (
    sources.lateness,
    sources.times,
    sources.joins,
    checks.columns,
    checks.history,
    checks.equals,
    models.columns,
    models.days,
    models.keys,
    models.names,
    metrics.columns,
    metrics.waits,
    experiments.references,
    experiments.expressions,
    experiments.dates,
    experiments.variants,
    experiments.roles,
    experiments.readings,
    layers.ranges,
    layers.salts,
    alerts.references,
    alerts.times,
    alerts.judges_something,
    alerts.history,
    alerts.parameters,
    alerts.labels,
    alerts.sizes,
    alerts.inhibitions,
    routes.references,
    routes.matches,
    routes.severities,
    routes.quiet_hours,
    routes.circles,
    routes.reachable,
    silences.matches,
    silences.hours,
    forecasts.references,
    forecasts.models,
    forecasts.days,
    forecasts.controls,
    reports.references,
    reports.types,
    reports.compare,
    renames.leaves_one,
)
