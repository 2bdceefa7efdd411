"""What rules share: references to names, dimensions, whole days and SQL texts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta

from assay.catalog.catalog import Catalog, Metric
from assay.catalog.expression import BadExpression, check_columns, parse
from assay.config.definitions import Definition
from assay.config.source import SourceSpec
from assay.errors import Diagnostic, Location, did_you_mean

Broken = Collection[tuple[str, str]]
Rule = Callable[[Catalog, Broken], Iterable[Diagnostic]]
DAY = timedelta(days=1)


def unknown(kind: str, name: str, known: Collection[str], place: Location) -> Diagnostic:
    """E201 with a did-you-mean."""
    return Diagnostic(
        "E201",
        f"Unknown {kind} '{name}'.{did_you_mean(name, known)}",
        f"It must name {'an' if kind[0] in 'aeiou' else 'a'} {kind} that exists.",
        f"Use one of: {', '.join(sorted(known)[:12]) or 'none is defined'}.",
        place,
    )


def unknown_entity(entity: str, source: Definition[SourceSpec], why: str, place: Location) -> Diagnostic:
    """E205 with a did-you-mean."""
    known = source.spec.entities
    return Diagnostic(
        "E205",
        f"The source '{source.name}' has no entity '{entity}'.{did_you_mean(entity, known)}",
        why,
        f"Use one of: {', '.join(known)}.",
        place,
    )


def reference(kind: str, name: str, catalog: Catalog, broken: Broken, place: Location) -> Iterator[Diagnostic]:
    """E201 unless the definitions have, or tried to have, this name."""
    known = {*getattr(catalog.definitions, f"{kind}s"), *(catalog.metrics if kind == "metric" else ())}
    if name not in known and (f"{kind}s", name.partition(".")[0]) not in broken:
        yield unknown(kind, name, known, place)


def metrics_of(names: Iterable[str], catalog: Catalog) -> list[Metric]:
    """The metrics with a meaning among some names; the others have been reported."""
    return [catalog.metrics[name] for name in names if name in catalog.metrics]


def dimension(name: str, metrics: list[Metric], catalog: Catalog, place: Location) -> Iterator[Diagnostic]:
    """E203 for a dimension that some source lacks, E304 for one that means different things."""
    known = catalog.dimensions(metrics)
    if not metrics or name in known:
        return
    everywhere = all(name in catalog.source(s).spec.dimensions for metric in metrics for s in metric.sources)
    listed = ", ".join(known) or "none"
    yield Diagnostic(
        "E304" if everywhere else "E203",
        f"'{name}' is {'defined differently in the sources' if everywhere else 'not a dimension'} of "
        f"{', '.join(metric.name for metric in metrics)}.{did_you_mean(name, known)}",
        "Metrics are split by dimensions that all their sources define in the same way.",
        f"Define it alike everywhere, or use one of: {listed}." if everywhere else f"Use one of: {listed}.",
        place,
    )


def whole_days(field: str, value: timedelta | None, place: Location) -> Iterator[Diagnostic]:
    """E104 for a duration with a rest of hours."""
    if value is not None and value % DAY:
        yield Diagnostic(
            "E104",
            f"'{field}' must be a whole number of days.",
            "It counts days of the calendar.",
            "Write it in days, such as 7d.",
            place,
        )


def expression(text: str | None, columns: Collection[str], place: Location) -> Iterator[Diagnostic]:
    """What is wrong with a SQL text over some columns; any column is right where none is declared."""
    if text is None:
        return
    try:
        found = parse(text)
    except BadExpression as error:
        yield error.at(place)
    else:
        if columns:
            yield from check_columns(found, frozenset(columns), place)
