"""Rules about experiments that run at the same time: who takes which units, and how they are mixed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assay.catalog.assignment import salt_of
from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken
from assay.config.assignment import HashAssignment, Range, show_traffic
from assay.config.definitions import Definition
from assay.config.experiment import ExperimentSpec
from assay.errors import Diagnostic

Hashed = tuple[Definition[ExperimentSpec], HashAssignment]
_ROUNDING = 1e-9


def ranges(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Experiments of one layer that run at the same time take different ranges of the same units."""
    for mine, earlier, later in _beside(catalog):
        each, assignment = mine
        layer = [other for other in earlier if other[1].layer == assignment.layer is not None]
        if stranger := next((other for other, _ in layer if other.spec.entity != each.spec.entity), None):
            yield _of_others(mine, stranger)
        elif taken := next((other for other in layer if _meet(assignment.traffic, other[1].traffic)), None):
            rest = [other for other in later if other[1].layer == assignment.layer]
            yield _taken(mine, taken, [*layer, *rest])


def salts(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Experiments that run at the same time on the same units have salts of their own."""
    for (each, mine), earlier, _ in _beside(catalog):
        for other, theirs in earlier:
            apart = each.spec.entity != other.spec.entity or (mine.layer and mine.layer == theirs.layer)
            if salt_of(each) == salt_of(other) and not apart:
                yield _same_salt(each, other)
                break


def _beside(catalog: Catalog) -> Iterator[tuple[Hashed, list[Hashed], list[Hashed]]]:
    """Each hashed experiment, with those defined before and after it that run on some day of its own."""
    found = [(each, each.spec.assignment) for each in catalog.definitions.experiments.values()]
    hashed = [(each, assignment) for each, assignment in found if isinstance(assignment, HashAssignment)]
    for at, mine in enumerate(hashed):
        yield mine, _running(mine, hashed[:at]), _running(mine, hashed[at + 1 :])


def _running(mine: Hashed, others: list[Hashed]) -> list[Hashed]:
    """Those that run on some day of its own."""
    spec = mine[0].spec
    return [other for other in others if other[0].spec.start < spec.end and spec.start < other[0].spec.end]


def _meet(one: Range, other: Range) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _taken(mine: Hashed, other: Hashed, layer: Iterable[Hashed]) -> Diagnostic:
    (each, assignment), (rival, theirs) = mine, other
    both = max(assignment.traffic[0], theirs.traffic[0]), min(assignment.traffic[1], theirs.traffic[1])
    first, last = max(each.spec.start, rival.spec.start), min(each.spec.end, rival.spec.end)
    return Diagnostic(
        "E306",
        f"'{rival.name}' and '{each.name}' both take {show_traffic(both)} of the layer '{assignment.layer}' "
        f"from {first} to {last}.",
        "Experiments of one layer share no units, so that none of them sees the effect of another.",
        _room(assignment.traffic, list(layer)),
        each.at("assignment", "traffic"),
    )


def _room(wanted: Range, layer: list[Hashed]) -> str:
    """The next free range of the size that is wanted, or the largest one, or a later start."""
    gaps = list(_gaps(assignment.traffic for _, assignment in layer))
    size = wanted[1] - wanted[0]
    fitting = [(start, start + size) for start, end in gaps if end - start >= size - _ROUNDING]
    if fitting:
        return f"Write traffic: {show_traffic(fitting[0])}, the next range of this size that is free while it runs."
    if gaps:
        largest = max(gaps, key=lambda gap: gap[1] - gap[0])
        return f"Write traffic: {show_traffic(largest)}, the largest range that is free while it runs."
    return f"Start it on {max(other.spec.end for other, _ in layer)}, or give the others less traffic."


def _gaps(taken: Iterable[Range]) -> Iterator[Range]:
    start = 0.0
    for low, high in sorted(taken):
        if low > start:
            yield start, low
        start = max(start, high)
    if start < 1:
        yield start, 1.0


def _of_others(mine: Hashed, stranger: Definition[ExperimentSpec]) -> Diagnostic:
    each, assignment = mine
    return Diagnostic(
        "E306",
        f"The layer '{assignment.layer}' holds {stranger.spec.entity}s in '{stranger.name}' "
        f"and {each.spec.entity}s in '{each.name}'.",
        "A layer keeps experiments apart by its one hash of the unit; hashes of different entities overlap.",
        f"Use a layer for {each.spec.entity}s, such as layer: {assignment.layer}_{each.spec.entity}.",
        each.at("assignment", "layer"),
    )


def _same_salt(each: Definition[ExperimentSpec], other: Definition[ExperimentSpec]) -> Diagnostic:
    salt = salt_of(each)
    changed = each if each.name != salt else other
    return Diagnostic(
        "E306",
        f"'{other.name}' and '{each.name}' have the same salt, '{salt}', and run at the same time.",
        "The same units would be in the same variants of both, so that their effects could not be told apart.",
        f"Write salt: {changed.name} in '{changed.name}', or leave it out there.",
        each.at("assignment", "salt"),
    )
