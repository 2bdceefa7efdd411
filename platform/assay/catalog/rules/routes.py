"""Rules about routes: names, labels, hours, and that a message can come where it should."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from assay.catalog.catalog import Catalog
from assay.catalog.rules import labels
from assay.catalog.rules.common import Broken, reference, unknown
from assay.config.definitions import Definition
from assay.config.route import RouteSpec
from assay.errors import Diagnostic, Location

Routes = Mapping[str, Definition[RouteSpec]]


def references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Children, escalations and fallbacks are routes that exist."""
    for route in catalog.definitions.routes.values():
        for index, name in enumerate(route.spec.routes):
            yield from reference("route", name, catalog, broken, route.at("routes", index))
        if route.spec.escalate:
            yield from reference("route", route.spec.escalate.to, catalog, broken, route.at("escalate", "to"))
        if route.spec.fallback:
            yield from reference("route", route.spec.fallback, catalog, broken, route.at("fallback"))


def matches(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Routes match and group by labels that messages carry: another word would match nothing, or group everything."""
    words = labels.known(catalog, labels.OF_MESSAGES)
    for route in catalog.definitions.routes.values():
        for index, name in enumerate(route.spec.group_by):
            if name not in words:
                yield unknown("label", name, words, route.at("group_by", index))
        yield from labels.matched(route, labels.OF_MESSAGES, catalog, broken)


def quiet_hours(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Hours that end when they begin silence nothing."""
    for route in catalog.definitions.routes.values():
        quiet = route.spec.quiet
        if quiet and quiet[0] == quiet[1]:
            yield Diagnostic(
                "E303",
                f"The quiet hours of '{route.name}' are empty.",
                "They end when they begin, so that nothing would wait.",
                'Write two different hours, such as "23:00-07:00", or delete the line.',
                route.at("quiet"),
            )


def circles(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """No route is below itself, its own fallback, or told what it does not answer."""
    routes = catalog.definitions.routes
    for route in routes.values():
        spec = route.spec
        if route.name in _followed(spec.routes, routes, lambda each: each.routes):
            yield _circle(route, "is below itself", route.at("routes"))
        if spec.fallback and route.name in _followed((spec.fallback,), routes, _fallback):
            yield _circle(route, "is its own fallback", route.at("fallback"))
        if spec.escalate and spec.escalate.to == route.name:
            yield _circle(route, "escalates to itself", route.at("escalate", "to"))


def _fallback(spec: RouteSpec) -> tuple[str, ...]:
    return (spec.fallback,) if spec.fallback else ()


def _followed(names: tuple[str, ...], routes: Routes, further: Callable[[RouteSpec], tuple[str, ...]]) -> set[str]:
    """These routes and all that they lead to."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found and name in routes:
            left += further(routes[name].spec)
        found.add(name)
    return found


def _circle(route: Definition[RouteSpec], what: str, place: Location) -> Diagnostic:
    why = "A message would go in a circle and reach nobody else."
    return Diagnostic("E202", f"The route '{route.name}' {what}.", why, "Name another route.", place)


def reachable(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Every child can get a message: no earlier one takes all of its messages, and its labels fit to those above."""
    routes = catalog.definitions.routes
    for route in routes.values():
        earlier: list[Definition[RouteSpec]] = []
        for index, name in enumerate(route.spec.routes):
            child = routes.get(name)
            if child is None:
                continue
            taken = next((each for each in earlier if _takes_all(each.spec, child.spec)), None)
            if taken or _excluded(route.spec, child.spec):
                yield _unreachable(route, index, taken.name if taken else "")
            earlier.append(child)


def _takes_all(first: RouteSpec, second: RouteSpec) -> bool:
    """Whether whatever matches the second would have been kept by the first."""
    asks = all(
        set(second.match.get(label, ())) and _within(second.match[label], values)
        for label, values in first.match.items()
    )
    return asks and not first.goes_on and bool(first.channels)


def _within(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    """Whether each value that one allows is allowed by the other."""
    wanted = [each for each in narrow if not each.startswith("!")]
    if not wanted:
        return set(wide) <= set(narrow)
    return all(_allows(wide, each) for each in wanted if f"!{each}" not in narrow)


def _allows(values: tuple[str, ...], value: str) -> bool:
    wanted = [each for each in values if not each.startswith("!")]
    return f"!{value}" not in values and (not wanted or value in wanted)


def _excluded(above: RouteSpec, below: RouteSpec) -> bool:
    """Whether some label cannot have a value that both ask for."""
    return any(not _both(values, below.match[label]) for label, values in above.match.items() if label in below.match)


def _both(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    wanted = [each for each in (*first, *second) if not each.startswith("!")]
    return not wanted or any(_allows(first, each) and _allows(second, each) for each in wanted)


def _unreachable(route: Definition[RouteSpec], index: int, taken: str) -> Diagnostic:
    name = route.spec.routes[index]
    why = (
        f"'{taken}' stands before it and takes whatever it would match."
        if taken
        else f"Its labels contradict those that '{route.name}' lets in."
    )
    fix = f"Put '{name}' first, or add continue: true to '{taken}'." if taken else "Correct 'match' in one of them."
    return Diagnostic(
        "E307", f"No message can reach '{name}' below '{route.name}'.", why, fix, route.at("routes", index)
    )


def severities(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Among the severities of the alerts and reports that come to a route, there is one that it lets in."""
    arriving = _arriving(catalog)
    for route in catalog.definitions.routes.values():
        asked, come = route.spec.match.get("severity"), arriving.get(route.name, set())
        if asked and come and not _let_in(route.spec, come):
            yield Diagnostic(
                "E307",
                f"No message that comes to '{route.name}' has the severity {' or '.join(asked)}.",
                f"Its alerts and reports are {' or '.join(sorted(come))}, so that nobody would ever hear of them here.",
                "Give an alert 'severity: critical', or a size from which on it is 'critical:'; or correct 'match'.",
                route.at("match", "severity"),
            )


def _arriving(catalog: Catalog) -> dict[str, set[str]]:
    """Route: the severities of what enters there or comes down from above; none for those that are told directly."""
    routes = catalog.definitions.routes
    found: dict[str, set[str]] = {}
    for entry, severities in _entries(catalog):
        _come(entry, severities, routes, found)
    for each in routes.values():
        direct = (each.spec.fallback, each.spec.escalate and each.spec.escalate.to)
        found |= {name: set() for name in direct if name}
    return found


def _entries(catalog: Catalog) -> Iterator[tuple[str, set[str]]]:
    definitions = catalog.definitions
    for alert in definitions.alerts.values():
        spec = alert.spec
        yield spec.route, {spec.severity, *(("critical",) if spec.critical else ())}
    for report in definitions.reports.values():
        yield report.spec.route, {"info"}
    if definitions.project.airflow.route:
        yield definitions.project.airflow.route, {"info", "warning", "critical"}


def _come(name: str, severities: set[str], routes: Routes, found: dict[str, set[str]]) -> None:
    """Note what comes to a route, and hand on what it lets in. A circle hands on nothing new."""
    if name not in routes or severities <= found.get(name, set()):
        return
    found.setdefault(name, set()).update(severities)
    spec = routes[name].spec
    for child in spec.routes:
        if child in routes and not _excluded(spec, routes[child].spec):
            _come(child, _let_in(spec, severities), routes, found)


def _let_in(spec: RouteSpec, severities: set[str]) -> set[str]:
    asked = spec.match.get("severity", ())
    return {each for each in severities if _allows(asked, each)}
