"""What is known about SQL expressions, so that an edited file costs the parsing of what was edited only.

An expression is stored by its text and depends on nothing else, so that what is known cannot be out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from assay.config import cache

# The normalised text, and the columns that it reads.
Known: TypeAlias = tuple[str, frozenset[str]]


@dataclass(slots=True)
class _Memory:
    kept: Mapping[str, Known] = field(default_factory=dict)
    met: dict[str, Known] = field(default_factory=dict)


_memory = _Memory()


def recall(sql: str, learn: Callable[[str], Known]) -> Known:
    """What is known about `sql`, else what `learn` finds out; what it raises is not remembered."""
    met = _memory.met
    if sql not in met:
        met[sql] = _memory.kept.get(sql) or learn(sql)
    return met[sql]


@contextmanager
def remembering(root: Path) -> Iterator[None]:
    """Inside, begin with what the project's cache knows; at the end, keep what was met if any of it was new or gone."""
    global _memory  # one project at a time: a process that loads a second one begins anew
    memory = _memory = _Memory(cache.expressions(root))
    yield
    if memory.met.keys() != memory.kept.keys():
        cache.store_expressions(root, memory.met)
