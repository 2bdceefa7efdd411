"""Rules about alerts."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog import plugins
from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import DAY, Broken, dimension, metrics_of, reference, unknown, whole_days
from assay.catalog.series import of_events, plain
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.errors import Diagnostic, did_you_mean


def references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Metrics, route, dimensions and detector of an alert exist."""
    for each in catalog.definitions.alerts.values():
        spec = each.spec
        for index, name in enumerate(spec.metrics):
            yield from reference("metric", name, catalog, broken, each.at("metrics", index))
        yield from reference("route", spec.route, catalog, broken, each.at("route"))
        for field in ("by", "explain"):
            for index, name in enumerate(getattr(spec, field)):
                yield from dimension(name, metrics_of(spec.metrics, catalog), catalog, each.at(field, index))
        yield from _detector(each)


def _detector(alert: Definition[AlertSpec]) -> Iterator[Diagnostic]:
    spec = alert.spec.detector
    known = plugins.names("detect", "detectors")
    if spec.type not in known:
        yield unknown("detector", spec.type, known, alert.at("detector", "type"))
        return
    accepted = plugins.parameters("detect", "detectors", spec.type)
    for name, value in spec.parameters.items():
        if name not in accepted:
            yield Diagnostic(
                "E102",
                f"The detector '{spec.type}' has no parameter '{name}'.{did_you_mean(name, accepted)}",
                "Parameters are checked against the detector's signature.",
                f"Use some of: {', '.join(accepted)}.",
                alert.at_key("detector", name),
            )
        elif not _fits(value, accepted[name]):
            yield Diagnostic(
                "E104",
                f"The parameter '{name}' must be a {'whole ' if accepted[name] == 'int' else ''}number.",
                "Detectors calculate with it.",
                "Write a number.",
                alert.at("detector", name),
            )


def _fits(value: object, annotation: str) -> bool:
    return isinstance(value, int | float if annotation == "float" else int) and not isinstance(value, bool)


def times(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """The rhythm of an alert divides the day, and its metrics are not rolling."""
    for each in catalog.definitions.alerts.values():
        spec = each.spec
        slots = bool(DAY % spec.every)
        for field, wrong in (
            ("every", slots),
            ("window", bool(spec.window and not slots and spec.window % spec.every)),
        ):
            if wrong:
                yield Diagnostic(
                    "E303",
                    f"'{field}' does not divide into whole slots.",
                    "'every' divides the day, and 'window' is a multiple of 'every'.",
                    "Use, for example, every: 15m and window: 3h.",
                    each.at(field),
                )
        yield from whole_days("season", spec.detector.season, each.at("detector", "season"))
        for index, name in enumerate(spec.metrics):
            metric = catalog.metrics.get(name)
            if metric and not (plain(metric.series) and of_events(metric.series)):
                yield Diagnostic(
                    "E302",
                    f"'{name}' compares or joins days and cannot be judged every slot.",
                    "A slot knows the events of its own minutes only.",
                    "Use the metric behind it.",
                    each.at("metrics", index),
                )


def judges_something(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Without the total and without dimensions, no series is left."""
    for each in catalog.definitions.alerts.values():
        if not each.spec.total and not each.spec.by:
            yield Diagnostic(
                "E301",
                f"The alert '{each.name}' judges nothing.",
                "It leaves out the total and names no dimension.",
                "Delete 'total: false', or add 'by'.",
                each.at("total"),
            )


def history(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """The history holds as many comparable points as the detector needs before it judges."""
    for each in catalog.definitions.alerts.values():
        spec = each.spec.detector
        if spec.type not in plugins.names("detect", "detectors"):
            continue
        default = plugins.defaults("detect", "detectors", spec.type).get("min_history", 0)
        points, needed = spec.history // spec.season, spec.parameters.get("min_history", default)
        if isinstance(needed, int) and points < needed:
            yield Diagnostic(
                "E303",
                f"The history holds {points} comparable points, and '{spec.type}' needs {needed}.",
                "With fewer, the alert would learn for ever and never speak.",
                "Lengthen 'history', shorten 'season', or lower 'min_history'.",
                each.at("detector", "history"),
            )
