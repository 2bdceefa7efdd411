"""What a project means, as plain data: a row per definition, small enough to keep beside every apply.

Reading one needs the standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal, TypeAlias

VERSION = 1

# A definition: (kind, name), such as ("metric", "likes").
Key: TypeAlias = tuple[str, str]
Status = Literal["not started", "running", "ended"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition. The three hashes tell apart what kind of change it sees.

    `meaning` is what its numbers are: of a metric, its series over measures, so that it changes with every metric below
    it. `own` is what its own body says about that, with the names of other definitions left out; these are in `reads`,
    in the order of the body, so that a renamed metric is no change. `text` is the whole body. `measures` are the stored
    aggregates behind a metric, and `window` the [start, end) of an experiment.
    """

    kind: str
    name: str
    path: str
    line: int
    meaning: str
    own: str
    text: str
    reads: tuple[Key, ...] = ()
    measures: frozenset[str] = frozenset()
    window: tuple[str, str] | None = None
    renamed_from: str | None = None

    @property
    def key(self) -> Key:
        return self.kind, self.name

    def status(self, today: date) -> Status | None:
        """Of an experiment: where a day lies to its half-open window."""
        if self.window is None:
            return None
        start, end = self.window
        return "not started" if str(today) < start else "running" if str(today) < end else "ended"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every definition, and per experiment that has not ended the meanings of its metrics: its pins."""

    entries: Mapping[Key, Entry]
    pins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def as_json(self) -> str:
        """One line of text; `from_json` reads it back."""
        entries = [asdict(each) | {"measures": sorted(each.measures)} for each in self.entries.values()]
        value = {"version": VERSION, "entries": entries, "pins": self.pins}
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> Manifest:
    """A manifest as it was. Raises ValueError for text that is none, or of another version."""
    try:
        value = json.loads(text)
        if value["version"] != VERSION:
            raise ValueError(f"the version {value['version']} is not {VERSION}")
        entries = [_entry(each) for each in value["entries"]]
        return Manifest({each.key: each for each in entries}, value["pins"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is not a manifest: {error}") from error


def _entry(value: dict[str, Any]) -> Entry:
    reads = tuple((kind, name) for kind, name in value["reads"])
    window = value["window"] and (value["window"][0], value["window"][1])
    return Entry(**value | {"reads": reads, "measures": frozenset(value["measures"]), "window": window})
