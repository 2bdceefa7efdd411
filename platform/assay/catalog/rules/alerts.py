"""Rules about alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.catalog import plugins
from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import DAY, Broken, dimension, metrics_of, reference, unknown
from assay.catalog.rules.labels import TAKEN
from assay.catalog.series import of_events, plain
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.errors import Diagnostic, Location, did_you_mean


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
        for index, name in enumerate(spec.inhibited_by):
            yield from reference("alert", name, catalog, broken, each.at("inhibited_by", index))
        yield from _detectors(each, catalog)


def inhibitions(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """No alert waits for itself, whoever stands between."""
    alerts = catalog.definitions.alerts
    for alert in alerts.values():
        found, left = set[str](), list(alert.spec.inhibited_by)
        while left:
            name = left.pop()
            left += alerts[name].spec.inhibited_by if name in alerts and name not in found else ()
            found.add(name)
        if alert.name in found:
            yield Diagnostic(
                "E202",
                f"The alert '{alert.name}' is inhibited by itself.",
                "Each would wait for the other, and nobody would hear of either.",
                "Delete one of the names.",
                alert.at("inhibited_by"),
            )


def _detectors(alert: Definition[AlertSpec], catalog: Catalog) -> Iterator[Diagnostic]:
    known = plugins.names("detect", "detectors")
    chosen = [(alert.spec.detector.type, ("detector", "type")), (alert.spec.agree, ("agree",))]
    for name, path in chosen:
        if name == "forecast":
            yield from _forecast(alert, path, catalog)
        elif name is not None and name not in known:
            yield unknown("detector", name, known, alert.at(*path))


def _forecast(alert: Definition[AlertSpec], path: tuple[str, ...], catalog: Catalog) -> Iterator[Diagnostic]:
    """Forecasts are of whole days and of totals."""
    spec, known = alert.spec, {name for each in catalog.definitions.forecasts.values() for name in each.spec.metrics}
    missing = [name for name in spec.metrics if name not in known]
    if spec.every != DAY or spec.by:
        yield Diagnostic(
            "E302",
            "The detector 'forecast' judges totals of whole days.",
            "That is what forecasts are made of.",
            "Write every: 1d and leave 'by' out, or use seasonal_level, which makes its own expectation.",
            alert.at(*path),
        )
    elif missing:
        yield Diagnostic(
            "E302",
            f"Nothing forecasts '{missing[0]}', so that the detector 'forecast' has nothing to compare with.",
            "It reads what 'platform forecast run' has stored.",
            "Add the metric to a definition under 'forecasts', or use seasonal_level.",
            alert.at(*path),
        )


def parameters(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """The parameters of a detector are known, and numbers that it can calculate with."""
    for each in catalog.definitions.alerts.values():
        spec = each.spec.detector
        if spec.type not in plugins.names("detect", "detectors"):
            continue
        accepted = plugins.parameters("detect", "detectors", spec.type)
        for name, value in spec.parameters.items():
            yield from _parameter(each, name, value, accepted)
        if spec.type == "static" and not spec.parameters:
            yield Diagnostic(
                "E301",
                "The detector 'static' has no limit.",
                "It speaks of values under 'low' or over 'high', and without either it never would.",
                "Add, for example, low: 100",
                each.at("detector"),
            )


def _parameter(
    alert: Definition[AlertSpec], name: str, value: object, accepted: Mapping[str, str]
) -> Iterator[Diagnostic]:
    detector = alert.spec.detector.type
    if name not in accepted:
        yield Diagnostic(
            "E102",
            f"The detector '{detector}' has no parameter '{name}'.{did_you_mean(name, accepted)}",
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
    elif detector != "static" and name != "slack" and isinstance(value, int | float) and value <= 0:
        yield Diagnostic(
            "E104",
            f"The parameter '{name}' must be greater than 0.",
            "It is a number of standard deviations, slots or days.",
            f"Write {plugins.defaults('detect', 'detectors', detector)[name]:g}, its default, or another number.",
            alert.at("detector", name),
        )


def _fits(value: object, annotation: str) -> bool:
    return isinstance(value, int | float if annotation == "float" else int) and not isinstance(value, bool)


def labels(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """One word is one label: what Assay sets, the dimensions of an alert, and its own labels differ."""
    for each in catalog.definitions.alerts.values():
        for index, name in enumerate(each.spec.by):
            if name in TAKEN:
                yield _taken(
                    name, "dimension", "Call the dimension something else in its source.", each.at("by", index)
                )
        for name in each.spec.labels:
            if name in TAKEN or name in each.spec.by:
                yield _taken(name, "label", "Choose another word.", each.at_key("labels", name))


def _taken(name: str, what: str, fix: str, place: Location) -> Diagnostic:
    why = "Routes and silences would match one when the other is meant."
    return Diagnostic("E301", f"The {what} '{name}' has the name of another label of the alert.", why, fix, place)


def sizes(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """The numbers of an alert leave each other something to do."""
    for each in catalog.definitions.alerts.values():
        for field, wrong, message, why, fix in _contradictions(each):
            if wrong:
                yield Diagnostic("E301", message, why, fix, each.at(field))


def _contradictions(alert: Definition[AlertSpec]) -> Iterator[tuple[str, bool, str, str, str]]:
    """The field, whether it is wrong, and what there is to say."""
    spec = alert.spec
    yield (
        "critical",
        spec.critical is not None and spec.critical <= spec.min_change,
        "'critical' is not above 'min_change'.",
        "Smaller changes than 'min_change' are not reported, so that every message would be critical.",
        "Raise it above 'min_change'; or delete it, and write severity: critical",
    )
    yield (
        "critical",
        spec.critical is not None and spec.severity == "critical",
        "'critical' has nothing to change.",
        "The alert is critical at every size.",
        "Delete it, or write severity: warning",
    )
    yield (
        "agree",
        spec.agree == spec.detector.type,
        f"'{spec.agree}' would have to agree with itself.",
        "A second view is worth something when it looks in another way.",
        "Name another detector, such as ewma, or delete the line.",
    )
    yield (
        "instant",
        spec.instant is not None and spec.instant <= _threshold(alert),
        "'instant' is not above the detector's threshold.",
        "Every slot beyond the threshold would fire at once, and 'confirm' would mean nothing.",
        "Raise it, or write confirm: 1/1",
    )
    yield (
        "budget",
        spec.budget is not None and spec.budget > 7 * DAY / spec.every,
        "'budget' is more than there are slots in a week.",
        "Not even an alert that fired in every slot would cost so many messages.",
        "Write the messages that you want to read in a week, such as budget: 1",
    )


def _threshold(alert: Definition[AlertSpec]) -> float:
    """Of the detector; 0 for one that has none, or a wrong one, which is told elsewhere."""
    spec = alert.spec.detector
    if spec.type not in plugins.names("detect", "detectors"):
        return 0.0
    found = spec.parameters.get("threshold", plugins.defaults("detect", "detectors", spec.type).get("threshold"))
    return found if isinstance(found, int | float) else 0.0


def times(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """The rhythm of an alert divides the day, and its metrics are not rolling."""
    for each in catalog.definitions.alerts.values():
        spec = each.spec
        slots = bool(DAY % spec.every)
        window = spec.window or spec.every
        for field, wrong in (("every", slots), ("window", not slots and bool(window % spec.every or DAY % window))):
            if wrong:
                yield Diagnostic(
                    "E303",
                    f"'{field}' does not divide into whole slots.",
                    "Both divide the day, and 'window' is a multiple of 'every': each span has its like on other days.",
                    "Use, for example, every: 15m and window: 3h.",
                    each.at(field),
                )
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
        needed = spec.parameters.get("min_history", default)
        if spec.history and isinstance(needed, int) and (points := spec.history // DAY) < needed:
            yield Diagnostic(
                "E303",
                f"The history holds {points} days, and '{spec.type}' needs {needed}.",
                "With fewer, the alert would learn for ever and never speak.",
                "Lengthen 'history', or lower 'min_history'.",
                each.at("detector", "history"),
            )
