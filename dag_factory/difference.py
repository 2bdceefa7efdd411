"""How the DAGs would change if the definitions were compiled now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from assay.errors import DefinitionsError
from dag_factory import store
from dag_factory.compile import examine, merge
from dag_factory.spec import DagSpec

What = Literal["new", "removed", "changed", "stale"]
_OWN = ("definitions", "stale", "line")  # no change of the DAG itself


@dataclass(frozen=True, slots=True)
class Change:
    """One DAG that would not be as it is; `fields` are those that differ."""

    dag_id: str
    what: What
    fields: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def difference(root: Path) -> list[Change]:
    """Every change, by id. Everything is new before the first compilation."""
    try:
        last = store.read(root)
    except DefinitionsError:
        last = None
    old = {each.dag_id: each for each in store.shards(root, last.sha)} if last else {}
    new = {each.dag_id: each for each in merge(root, last, examine(root))[0]}
    found = (_change(name, old.get(name), new.get(name)) for name in sorted({*old, *new}))
    return [each for each in found if each is not None]


def _change(name: str, old: DagSpec | None, new: DagSpec | None) -> Change | None:
    if old is None or new is None:
        return Change(name, "removed" if new is None else "new")
    if new.stale and not old.stale:
        return Change(name, "stale")
    before, after = old.as_dict(), new.as_dict()
    fields = tuple(each for each in sorted(after) if before[each] != after[each] and each not in _OWN)
    return Change(name, "changed", fields) if fields else None
