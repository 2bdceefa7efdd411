"""The facade: a project in a folder, ready to be asked.

from assay import Project

project = Project.load(".")
with project.open(now=datetime.now(UTC)) as context:
    rows = query(context, ["dau"], date(2025, 8, 20), date(2025, 8, 28))
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from assay.catalog.catalog import Catalog
from assay.catalog.expression import parse
from assay.catalog.memory import remembering
from assay.catalog.resolve import resolve
from assay.catalog.rules import silences
from assay.config import env
from assay.config.cache import Inputs
from assay.config.load import load
from assay.engine import Cluster, Dsn, connect, parse_dsn
from assay.errors import DefinitionsError, Diagnostic, Location, WarehouseError
from assay.jobs.context import Context, Progress, silent

DSN_VARIABLE = "ASSAY_DSN"


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that a folder defines, resolved. `warnings` are worth reading and stop nothing."""

    catalog: Catalog
    warnings: tuple[Diagnostic, ...] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @classmethod
    def load(cls, folder: Path | str = ".") -> Project:
        """Read a project; DefinitionsError carries every mistake of every file."""
        catalog, found, *_ = check(Path(folder))
        errors = [each for each in found if each.severity == "error"]
        if errors:
            raise DefinitionsError(*errors)
        return cls(catalog, found)

    @property
    def root(self) -> Path:
        return self.catalog.definitions.root

    @property
    def dsn(self) -> Dsn:
        """The warehouse: the variable ASSAY_DSN, else `warehouse.dsn`. Raises WarehouseError E501 or E502."""
        warehouse = self.catalog.definitions.project.warehouse
        text = self.environ.get(DSN_VARIABLE) or (warehouse.dsn if warehouse else None)
        if warehouse is None or not text:
            raise WarehouseError.of(
                "E501",
                "The project has no warehouse.",
                why="Metrics are read from ClickHouse.",
                fix="Add to project.yaml: warehouse: {dsn: chdb://target/warehouse}",
            )
        return parse_dsn(env.resolve(text, self.environ), self.root)

    @property
    def cluster(self) -> Cluster | None:
        """The cluster of the warehouse, with what is said of its tables of events; none where ASSAY_DSN is embedded."""
        warehouse = self.catalog.definitions.project.warehouse
        if warehouse is None or warehouse.cluster is None or self.dsn.embedded:
            return None
        entity = warehouse.shard_by
        return Cluster(warehouse.cluster, entity, _columns(self.catalog, entity) if entity else {})

    @contextmanager
    def open(self, now: datetime, progress: Progress = silent, wait: float = 10.0) -> Iterator[Context]:
        """A session with the warehouse; `wait` bounds the wait for an embedded one, in seconds."""
        dsn, warehouse = self.dsn, self.catalog.definitions.project.warehouse
        assert warehouse is not None
        limits = self.catalog.definitions.project.limits.settings
        with connect(dsn, warehouse.timeout, wait, self.cluster, limits) as engine:
            yield Context(self.catalog, engine, now, progress, self.environ)


def _columns(catalog: Catalog, entity: str) -> dict[str, str | None]:
    """Table of events: its column of an entity; None for a table of attributes that is joined to one.

    Two sources may read a table by two columns, such as sender and receiver: it cannot be sharded by both.
    """
    found: dict[str, str | None] = {}
    for source in catalog.definitions.sources.values():
        if entity in source.spec.entities and source.spec.model is None:
            found |= {join.table: None for join in source.spec.joins.values() if join.model is None}
            column, other = parse(source.spec.entities[entity].sql).sql, found.get(source.spec.table)
            found[source.spec.table] = column if other in (None, column) else f"{other}, {column}"
    return found


class Checked(NamedTuple):
    """The catalog of what is right in a project, everything that is wrong, and the files that were read.

    `until`: from when on time alone gives another answer; None if it never does.
    """

    catalog: Catalog
    diagnostics: tuple[Diagnostic, ...]
    inputs: Inputs
    until: datetime | None = None


def check(folder: Path, now: datetime | None = None) -> Checked:
    """Read and resolve a project; mistakes are in the order of the files. `now` adds what depends on the clock."""
    loaded = load(folder)
    with remembering(loaded.definitions.root):
        catalog, found = resolve(loaded.definitions, loaded.broken)
    over = silences.over(catalog, now) if now else ()
    every = sorted((*loaded.diagnostics, *found, *over), key=lambda each: (each.location or Location(""), each.code))
    return Checked(catalog, tuple(every), loaded.inputs, silences.next_end(catalog, now) if now else None)
