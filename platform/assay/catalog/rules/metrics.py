"""Rules about metrics. What keeps a metric from having a meaning at all is reported where it is lowered."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken, expression
from assay.config.metric import OverSource
from assay.errors import Diagnostic


def columns(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Every SQL text of a metric reads declared columns of its source."""
    for metric in catalog.metrics.values():
        spec = metric.spec
        if isinstance(spec, OverSource):
            declared = catalog.source(spec.source).spec.columns
            for field in ("value", "where"):
                yield from expression(getattr(spec, field, None), declared, metric.definition.at(field))
