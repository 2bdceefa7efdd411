"""A rule about every kind: what a definition was renamed from is gone."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken
from assay.errors import Diagnostic


def leaves_one(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """E305 where `renamed_from` names something that is still defined, or that another definition came from."""
    there = {(each.kind, each.name) for each in catalog.definitions} | set(broken)
    taken: dict[tuple[str, str], str] = {}
    for each in catalog.definitions:
        old = getattr(each.spec, "renamed_from", None)
        if old is None:
            continue
        first = taken.setdefault((each.kind, old), each.name)
        if (each.kind, old) in there or first != each.name:
            what = "is still defined" if (each.kind, old) in there else f"has become '{first}' already"
            yield Diagnostic(
                "E305",
                f"'{old}' {what}.",
                "A definition carries on what was stored under its old name, which only one can.",
                "Delete the old definition, or this line: a copy has no old name.",
                each.at("renamed_from"),
            )
