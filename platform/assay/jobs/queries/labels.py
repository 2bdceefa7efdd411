"""Which series a dated span, such as an event or a silence, is about."""

from __future__ import annotations

from collections.abc import Mapping

from assay.catalog.catalog import Catalog
from assay.config.events import Span
from assay.delivery.routes import matches


def about(span: Span, known: Mapping[str, str], dimensions: frozenset[str]) -> bool:
    """Whether a span is about a series. A total holds every value, so that an event of one city is one of all."""
    wanted = {label: values for label, values in span.match.items() if label not in dimensions or label in known}
    return matches(wanted, known)


def dimensions(catalog: Catalog) -> frozenset[str]:
    """All names of dimensions."""
    sources = catalog.definitions.sources.values()
    return frozenset(name for source in sources for name in source.spec.dimensions)
