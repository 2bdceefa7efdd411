"""The difference of two manifests: what changes, what reads it, and what a running experiment forbids."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from assay.catalog.manifest import Entry, Key, Manifest
from assay.errors import Location

# meaning: its numbers change. text: nothing but words does. A renamed definition keeps its numbers.
Class = Literal["meaning", "removed", "renamed", "new", "text"]
_CLASSES: tuple[Class, ...] = ("meaning", "removed", "renamed", "new", "text")
# Kinds that keep rows in the warehouse by themselves; of a metric, its measures tell.
_STORED = ("source", "alert", "model")
# Kinds whose meaning contains that of what they read.
_MADE = ("metric", "model")


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads a change, directly or not. `status` is where an experiment stands, and of a metric whether it changes
    its meaning along; else None."""

    kind: str
    name: str
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Backfill:
    """Local days to build, and rows of events to read for it; None where only the warehouse knows."""

    days: int | None = None
    rows: int | None = None

    def as_dict(self) -> dict[str, int | None]:
        return {"days": self.days, "rows": self.rows}


NOTHING = Backfill(0, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """One definition that is not as it was applied. `measures` are the aggregates that it and what it changes need and
    that were never applied."""

    entry: Entry
    what: Class
    readers: tuple[Reader, ...] = ()
    measures: frozenset[str] = frozenset()
    renamed_from: str | None = None
    backfill: Backfill = NOTHING

    @property
    def kind(self) -> str:
        return self.entry.kind

    @property
    def name(self) -> str:
        return self.entry.name

    def as_dict(self) -> dict[str, Any]:
        found = {"kind": self.kind, "name": self.name, "class": self.what}
        old = {"renamed_from": self.renamed_from} if self.renamed_from else {}
        reads = [{"kind": each.kind, "name": each.name, "status": each.status} for each in self.readers]
        return found | old | {
            "path": self.entry.path, "line": self.entry.line, "reads_it": reads, "backfill": self.backfill.as_dict()
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """A running experiment whose metric would change its meaning."""

    experiment: Entry
    metric: str
    because: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        cause = f", because of {', '.join(self.because)}" if self.because else ""
        return f"{self.metric} would change its meaning{cause}"

    @property
    def place(self) -> Location:
        return Location(self.experiment.path, self.experiment.line)

    def as_dict(self) -> dict[str, Any]:
        return {"experiment": self.experiment.name, "metric": self.metric, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, the most important first; `notes` are worth reading and stop nothing. `backfill` is the work of all
    together and `drops` are stored days that nobody defines any more; both are known when the warehouse was asked.
    `against` is the git revision that was compared with, if not what was applied."""

    changes: tuple[Change, ...]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    against: str | None = None
    first: bool = False
    backfill: Backfill = Backfill()
    drops: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The contract of `plan`."""
        return {
            "changes": [each.as_dict() for each in self.changes],
            "refused": [each.as_dict() for each in self.refused],
            "notes": list(self.notes),
            "backfill": self.backfill.as_dict(),
            "drops": list(self.drops),
        }


def compare(old: Manifest | None, new: Manifest, today: date, accept: Collection[str] = ()) -> Plan:
    """What would be applied. `accept` names running experiments whose metrics may change their meaning."""
    difference = _Difference(old or Manifest({}), new, today)
    changes = tuple(sorted(difference.changes(), key=_order))
    refused = tuple(each for each in difference.refusals(changes) if each.experiment.name not in accept)
    idle = all(each.backfill == NOTHING for each in changes)
    backfill = NOTHING if idle else Backfill()
    return Plan(changes, refused, tuple(difference.notes()), first=old is None, backfill=backfill)


def diff(old: Manifest, new: Manifest, today: date) -> tuple[Change, ...]:
    """Every change from one manifest to the next."""
    return compare(old, new, today).changes


def _order(change: Change) -> tuple[int, str, int, str]:
    return _CLASSES.index(change.what), change.entry.path, change.entry.line, change.name


class _Difference:
    """Two manifests, seen from the new one."""

    def __init__(self, old: Manifest, new: Manifest, today: date) -> None:
        self.old, self.new, self.today = old, new, today
        self.moved = _renames(old, new)  # old key: new key
        self.before = {new: old for old, new in self.moved.items()}
        self.applied: frozenset[str] = frozenset().union(*(each.measures for each in old.entries.values()))
        self.readers_now, self.readers_then = _readers(new), _readers(old)
        self.reads = {key: entry.reads for key, entry in new.entries.items()}

    def changes(self) -> Iterator[Change]:
        classes = {entry.key: self._class(entry) for entry in self.new.entries.values()}
        own = {key for key, what in classes.items() if what in ("meaning", "renamed", "new")}
        for key, what in classes.items():
            if key not in own and self._shifts(key) and not self._below(key) & own:
                what = "meaning"  # nothing that it reads explains it
            if what is not None:
                yield self._change(self.new.entries[key], what)
        for key, entry in self.old.entries.items():
            if key not in self.new.entries and key not in self.moved:
                yield Change(entry, "removed", self._listed(_reach(key, self.readers_then)))

    def _class(self, entry: Entry) -> Class | None:
        """What happened to a definition itself: None also where only something below it has changed."""
        old = self._old(entry.key)
        if old is None:
            return "new"
        same = old.own == entry.own and tuple(self.moved.get(key, key) for key in old.reads) == entry.reads
        means = old.meaning == entry.meaning if entry.kind in _MADE else same
        if not means and not same:
            return "meaning"
        if entry.key in self.before:
            return "renamed"
        return "text" if old.text != entry.text else None

    def _old(self, key: Key) -> Entry | None:
        return self.old.entries.get(self.before.get(key, key))

    def _shifts(self, key: Key) -> bool:
        """Whether a metric or model that was applied means something else now."""
        old = self._old(key)
        return key[0] in _MADE and old is not None and old.meaning != self.new.entries[key].meaning

    def _below(self, key: Key) -> set[Key]:
        """Everything that a definition reads, directly or not."""
        return _reach(key, self.reads)

    def _change(self, entry: Entry, what: Class) -> Change:
        above = _reach(entry.key, self.readers_now)
        known = self.before.get(entry.key)
        measures = self._missing(entry, what, above)
        builds = measures or (entry.kind in _STORED and what in ("meaning", "new"))
        readers = self._listed(above)
        return Change(entry, what, readers, measures, known[1] if known else None, Backfill() if builds else NOTHING)

    def _missing(self, entry: Entry, what: Class, above: set[Key]) -> frozenset[str]:
        if what in ("text", "removed"):
            return frozenset()
        shifting = (self.new.entries[key].measures for key in above if self._shifts(key))
        return entry.measures.union(*shifting) - self.applied

    def _listed(self, keys: set[Key]) -> tuple[Reader, ...]:
        there = [self.new.entries[key] for key in sorted(keys) if key in self.new.entries]
        return tuple(Reader(each.kind, each.name, self._status(each)) for each in there)

    def _status(self, entry: Entry) -> str | None:
        return "changes" if self._shifts(entry.key) else entry.status(self.today)

    def refusals(self, changes: Collection[Change]) -> Iterator[Refusal]:
        """Pins that a running experiment holds and the new meanings do not keep."""
        own = {change.entry.key for change in changes if change.what in ("meaning", "renamed")}
        for name, pins in self.old.pins.items():
            experiment = self.new.entries.get(self.moved.get(("experiment", name), ("experiment", name)))
            if experiment is None or experiment.status(self.today) != "running":
                continue
            for pinned, means in pins.items():
                key = self.moved.get(("metric", pinned), ("metric", pinned))
                if key in experiment.reads and self.new.entries[key].meaning != means:
                    yield Refusal(experiment, key[1], self._because(self._below(key) & own))

    def _because(self, causes: set[Key]) -> tuple[str, ...]:
        """The metrics that explain a change of meaning; what they are made of only where none does."""
        metrics = {key for key in causes if self._shifts(key)}
        return tuple(sorted(name for _, name in metrics or causes))

    def notes(self) -> Iterator[str]:
        for entry in self.new.entries.values():
            if entry.renamed_from and self._old(entry.key) is None:
                yield (
                    f"{entry.kind} {entry.name} ({entry.path}:{entry.line}): no {entry.kind} '{entry.renamed_from}' "
                    "was applied, so it counts as new."
                )


def _renames(old: Manifest, new: Manifest) -> dict[Key, Key]:
    """Old key: new key, where `renamed_from` names something that was applied and is gone."""
    said = ((entry.kind, entry.renamed_from, entry.key) for entry in new.entries.values() if entry.renamed_from)
    return {
        (kind, name): key
        for kind, name, key in said
        if (kind, name) in old.entries and (kind, name) not in new.entries and key not in old.entries
    }


def _readers(manifest: Manifest) -> dict[Key, list[Key]]:
    """Definition: what reads it directly."""
    found: dict[Key, list[Key]] = {}
    for entry in manifest.entries.values():
        for key in entry.reads:
            found.setdefault(key, []).append(entry.key)
    return found


def _reach(start: Key, edges: Mapping[Key, Collection[Key]]) -> set[Key]:
    """Everything that can be come to from `start`, without it."""
    found: set[Key] = set()
    ahead = list(edges.get(start, ()))
    while ahead:
        key = ahead.pop()
        if key not in found:
            found.add(key)
            ahead += edges.get(key, ())
    return found - {start}
