"""Rules of meaning, each a small function over the whole catalog that yields what it finds wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta
from typing import Any

from assay.catalog import plugins
from assay.catalog.catalog import Catalog, Metric
from assay.catalog.expression import BadExpression, Expression, check_columns, parse
from assay.catalog.series import Quantile, leaves
from assay.config.definitions import Definition
from assay.errors import Diagnostic, Location, did_you_mean

Broken = Collection[tuple[str, str]]
Rule = Callable[[Catalog, Broken], Iterable[Diagnostic]]
_DAY = timedelta(days=1)


def _unknown(kind: str, name: str, known: Collection[str], place: Location) -> Diagnostic:
    return Diagnostic(
        "E201",
        f"Unknown {kind} '{name}'.{did_you_mean(name, known)}",
        f"It must name a {kind} that exists.",
        f"Use one of: {', '.join(sorted(known)[:12]) or 'none is defined'}.",
        place,
    )


def _reference(
    kind: str, name: str, catalog: Catalog, broken: Broken, asking: Definition[Any], *at: str | int
) -> Iterator[Diagnostic]:
    known = getattr(catalog.definitions, f"{kind}s")
    if name not in known and (f"{kind}s", name) not in broken:
        yield _unknown(kind, name, known, asking.at(*at))


def source_expressions(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Every SQL text of a source is an expression over its declared columns."""
    for source in catalog.definitions.sources.values():
        spec = source.spec
        texts: list[tuple[str | None, tuple[str | int, ...]]] = [(spec.time, ("time",)), (spec.where, ("where",))]
        texts += [(sql, ("entities", name)) for name, sql in spec.entities.items()]
        texts += [(each.column or each.bins, ("dimensions", name)) for name, each in spec.dimensions.items()]
        texts += [(column, ("checks", "not_null")) for column in spec.checks.not_null]
        texts += [(column, ("checks", "accepted", column)) for column in spec.checks.accepted]
        for text, path in texts:
            if text is not None:
                yield from _expression(text, frozenset(spec.columns), source.at(*path))


def metric_expressions(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Every SQL text of a metric reads declared columns of its source. Syntax is reported by the lowering."""
    for metric in catalog.definitions.metrics.values():
        source = catalog.definitions.sources.get(getattr(metric.spec, "source", ""))
        if source is None or ("metrics", metric.name) in broken:
            continue
        for path in ("value", "where"):
            text = getattr(metric.spec, path, None)
            if text is not None:
                yield from _expression(text, frozenset(source.spec.columns), metric.at(path))


def _expression(text: str, columns: frozenset[str], place: Location) -> Iterator[Diagnostic]:
    try:
        expression: Expression = parse(text)
    except BadExpression as error:
        yield error.at(place)
    else:
        if columns:
            yield from check_columns(expression, columns, place)


def experiment_references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Sources, metrics, gates and tests of an experiment exist, and the entity is one of its sources'."""
    for each in catalog.definitions.experiments.values():
        spec = each.spec
        for at, name in (("assignment", spec.assignment.source), ("exposure", spec.exposure.source)):
            yield from _reference("source", name, catalog, broken, each, at, "source")
            yield from _entity(catalog, name, spec.entity, each, at)
        for name, path in _roles(each):
            yield from _reference("metric", name, catalog, broken, each, *path)
        for index, gate in enumerate(spec.validity):
            if gate not in GATES:
                yield _unknown("gate", gate, GATES, each.at("validity", index))
        if spec.analysis.test not in TESTS:
            yield _unknown("test", spec.analysis.test, TESTS, each.at("analysis", "test"))


GATES = ("srm", "crossovers", "distribution", "day_stability")
TESTS = ("welch",)


def _roles(experiment: Definition[Any]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    roles = experiment.spec.metrics
    for role in ("primary", "secondary"):
        yield from ((name, ("metrics", role, index)) for index, name in enumerate(getattr(roles, role)))
    yield from ((name, ("metrics", "guardrail", name)) for name in roles.guardrail)


def _entity(catalog: Catalog, source: str, entity: str, asking: Definition[Any], at: str) -> Iterator[Diagnostic]:
    known = catalog.definitions.sources.get(source)
    if known is not None and entity not in known.spec.entities:
        yield Diagnostic(
            "E205",
            f"The source '{source}' has no entity '{entity}'.{did_you_mean(entity, known.spec.entities)}",
            "An experiment compares entities, so each of its sources must know them.",
            f"Use one of: {', '.join(known.spec.entities)}.",
            asking.at("entity") if "entity" in str(asking.places) else asking.at(at),
        )


def experiment_meaning(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Dates are in order, assignment and exposure share a source, and every metric has a reading per unit."""
    for each in catalog.definitions.experiments.values():
        spec = each.spec
        if spec.end <= spec.start:
            yield Diagnostic(
                "E303",
                f"The experiment ends on {spec.end}, before it has begun.",
                "Windows are half-open: the end is the day after the last one.",
                "Set 'end' at least one day after 'start'.",
                each.at("end"),
            )
        if spec.assignment.source != spec.exposure.source:
            yield Diagnostic(
                "E302",
                "Assignment and exposure come from different sources.",
                "The variant is read from the row at which a unit is exposed.",
                f"Use '{spec.assignment.source}' for both.",
                each.at("exposure", "source"),
            )
        for name, path in _roles(each):
            if name in catalog.metrics:
                yield from _per_unit(catalog.metrics[name], catalog, spec.entity, each.at(*path))


def _per_unit(metric: Metric, catalog: Catalog, entity: str, place: Location) -> Iterator[Diagnostic]:
    reason = _no_reading(metric, catalog, entity)
    if reason:
        yield Diagnostic(
            "E302",
            f"'{metric.name}' has no reading per {entity}: {reason}.",
            "An experiment compares what each unit did in the window.",
            "Use the metrics behind it.",
            place,
        )


def _no_reading(metric: Metric, catalog: Catalog, entity: str) -> str | None:
    found = list(leaves(metric.series))
    if any(leaf.days != 1 for leaf in found):
        return "a rolling window overlaps with itself"
    if any(isinstance(leaf, Quantile) for leaf in found):
        return "a quantile of events is not a sum over units"
    strangers = sorted({leaf.measure.entity for leaf in found if leaf.measure.entity not in (None, entity)} - {None})
    if strangers:
        return f"it counts {strangers[0]}s"
    if any(entity not in catalog.source(name).spec.entities for name in metric.sources):
        return f"one of its sources does not know the {entity}"
    return None


def alert_references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Metrics, route, dimensions and detector of an alert exist."""
    for each in catalog.definitions.alerts.values():
        spec = each.spec
        for index, name in enumerate(spec.metrics):
            yield from _reference("metric", name, catalog, broken, each, "metrics", index)
        yield from _reference("route", spec.route, catalog, broken, each, "route")
        metrics = [catalog.metrics[name] for name in spec.metrics if name in catalog.metrics]
        for path in ("by", "explain"):
            for index, name in enumerate(getattr(spec, path)):
                yield from _dimension(name, metrics, catalog, each.at(path, index))
        yield from _detector(each)


def _dimension(name: str, metrics: list[Metric], catalog: Catalog, place: Location) -> Iterator[Diagnostic]:
    known = catalog.dimensions(metrics)
    if not metrics or name in known:
        return
    everywhere = all(name in catalog.source(s).spec.dimensions for metric in metrics for s in metric.sources)
    yield Diagnostic(
        "E304" if everywhere else "E203",
        f"'{name}' is {'defined differently in the sources' if everywhere else 'not a dimension'} of "
        f"{', '.join(metric.name for metric in metrics)}.{did_you_mean(name, known)}",
        "Metrics are split by dimensions that all their sources define in the same way.",
        f"Use one of: {', '.join(known) or 'none'}.",
        place,
    )


def _detector(alert: Definition[Any]) -> Iterator[Diagnostic]:
    spec = alert.spec.detector
    known = plugins.names("detect", "detectors")
    if spec.type not in known:
        yield _unknown("detector", spec.type, known, alert.at("detector", "type"))
        return
    accepted = plugins.parameters("detect", "detectors", spec.type)
    for name, value in spec.parameters.items():
        if name not in accepted:
            yield Diagnostic(
                "E102",
                f"The detector '{spec.type}' has no parameter '{name}'.{did_you_mean(name, accepted)}",
                "Parameters are checked against the detector's signature.",
                f"Use some of: {', '.join(accepted)}.",
                alert.at("detector", name),
            )
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield Diagnostic(
                "E104",
                f"The parameter '{name}' must be a number.",
                "Detectors calculate with it.",
                "Write a number.",
                alert.at("detector", name),
            )


def alert_times(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """The rhythm of an alert divides the day, and its metrics are not rolling."""
    for each in catalog.definitions.alerts.values():
        spec = each.spec
        for path, wrong in (
            ("every", bool(_DAY % spec.every)),
            ("window", spec.window is not None and bool(spec.window % spec.every)),
        ):
            if wrong:
                yield Diagnostic(
                    "E303",
                    f"'{path}' does not divide into whole slots.",
                    "'every' divides the day, and 'window' is a multiple of 'every'.",
                    "Use, for example, every: 15m and window: 3h.",
                    each.at(path),
                )
        for index, name in enumerate(spec.metrics):
            metric = catalog.metrics.get(name)
            if metric and any(leaf.days != 1 for leaf in leaves(metric.series)):
                yield Diagnostic(
                    "E302",
                    f"'{name}' rolls over days and cannot be judged every slot.",
                    "Neighbouring values share most of their data, so nothing would stand out.",
                    "Use the metric behind it.",
                    each.at("metrics", index),
                )


def report_references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Metrics, dimensions and routes of reports and dashboards exist."""
    for report in catalog.definitions.reports.values():
        yield from _reference("route", report.spec.route, catalog, broken, report, "route")
        for at, block in enumerate(report.spec.blocks):
            by = (block.by,) if block.by else ()
            yield from _shown(block.metrics, by, catalog, broken, report, "blocks", at)
    for board in catalog.definitions.dashboards.values():
        for name, tab in board.spec.tabs.items():
            yield from _shown(tab.metrics, tab.by, catalog, broken, board, "tabs", name)


def _shown(
    metrics: tuple[str, ...],
    by: tuple[str, ...],
    catalog: Catalog,
    broken: Broken,
    asking: Definition[Any],
    *at: str | int,
) -> Iterator[Diagnostic]:
    for index, name in enumerate(metrics):
        yield from _reference("metric", name, catalog, broken, asking, *at, "metrics", index)
    found = [catalog.metrics[name] for name in metrics if name in catalog.metrics]
    for name in by:
        yield from _dimension(name, found, catalog, asking.at(*at, "by"))


RULES: tuple[Rule, ...] = (
    source_expressions,
    metric_expressions,
    experiment_references,
    experiment_meaning,
    alert_references,
    alert_times,
    report_references,
)
