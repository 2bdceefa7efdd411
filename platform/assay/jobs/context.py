"""Everything that a job gets from outside: definitions, database, clock, seed and a place for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from assay.catalog.catalog import Catalog
from assay.compiler import zone
from assay.engine import Engine

# Called with (done, total, what) while a job works.
Progress = Callable[[int, int, str], None]


def silent(_done: int, _total: int, _what: str) -> None:
    """A progress that shows nothing."""


@dataclass(frozen=True, slots=True)
class Context:
    """`now` is the only clock of a job: a moment with a zone, given by the command or by the scheduler."""

    catalog: Catalog
    engine: Engine
    now: datetime
    progress: Progress = silent
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def database(self) -> str:
        warehouse = self.catalog.definitions.project.warehouse
        assert warehouse is not None, "a job with an engine has a warehouse"
        return warehouse.database

    @property
    def root(self) -> Path:
        return self.catalog.definitions.root

    @property
    def target(self) -> Path:
        return self.root / self.catalog.definitions.project.target

    @property
    def seed(self) -> int:
        return self.catalog.definitions.project.seed

    @property
    def today(self) -> date:
        """The local day of `now`."""
        return zone.local_day(self.now, self.catalog.zone)
