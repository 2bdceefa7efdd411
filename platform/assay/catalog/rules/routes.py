"""Rules about routes: names, labels, hours, and that a message can come where it should."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken, reference, unknown
from assay.config.definitions import Definition
from assay.config.route import RouteSpec
from assay.errors import Diagnostic, Location

Routes = Mapping[str, Definition[RouteSpec]]

# What messages carry, besides the dimensions of the series that they are about.
LABELS = ("alert", "report", "severity", "metric", "owner", "tier")


def references(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Children, escalations and fallbacks are routes that exist."""
    for route in catalog.definitions.routes.values():
        for index, name in enumerate(route.spec.routes):
            yield from reference("route", name, catalog, broken, route.at("routes", index))
        if route.spec.escalate:
            yield from reference("route", route.spec.escalate.to, catalog, broken, route.at("escalate", "to"))
        if route.spec.fallback:
            yield from reference("route", route.spec.fallback, catalog, broken, route.at("fallback"))


def labels(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Routes match and group by labels that messages carry: another word would match nothing, or group everything."""
    dimensions = {name for source in catalog.definitions.sources.values() for name in source.spec.dimensions}
    known = [*LABELS, *sorted(dimensions)]
    for route in catalog.definitions.routes.values():
        for index, name in enumerate(route.spec.group_by):
            if name not in known:
                yield unknown("label", name, known, route.at("group_by", index))
        for name in route.spec.match:
            if name not in known:
                yield unknown("label", name, known, route.at_key("match", name))


def severities(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """A severity to match is one that messages have."""
    known = ("critical", "info", "warning")
    for route in catalog.definitions.routes.values():
        for value in route.spec.match.get("severity", ()):
            if value.removeprefix("!") not in known:
                yield unknown("severity", value, known, route.at("match", "severity"))


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
