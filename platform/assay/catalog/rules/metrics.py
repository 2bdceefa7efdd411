"""Rules about metrics. What keeps a metric from having a meaning at all is reported where it is lowered."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import DAY, Broken, expression
from assay.config.base import show_duration
from assay.config.metric import FunnelMetric, OverSource
from assay.errors import Diagnostic


def columns(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Every SQL text of a metric reads declared columns of its source."""
    for metric in (each for each in catalog.metrics.values() if not each.part):
        spec = metric.spec
        if isinstance(spec, OverSource):
            declared = catalog.source(spec.source).spec.known
            for field in ("value", "where", "first", "then"):
                yield from expression(getattr(spec, field, None), declared, metric.definition.at(field))
            for step, condition in getattr(spec, "steps", {}).items():
                yield from expression(condition, declared, metric.definition.at("steps", step))


def waits(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """A day whose funnels are still open is built again while the source may be late, and not after."""
    for metric in catalog.metrics.values():
        spec = metric.spec
        if (
            isinstance(spec, FunnelMetric)
            and not metric.part
            and spec.within > catalog.source(spec.source).spec.lateness
        ):
            yield Diagnostic(
                "E301",
                f"The funnel '{metric.name}' waits longer than '{spec.source}' is built again.",
                "The last steps of a day would be missing for ever.",
                f"Write lateness: {show_duration(-(-spec.within // DAY) * DAY)} in the source, or a shorter 'within'.",
                metric.definition.at("within"),
            )
