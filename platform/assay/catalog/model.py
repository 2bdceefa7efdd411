"""A model whose query is known: what the compiler and the jobs read of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from assay.catalog.query import WINDOW, Query
from assay.config.definitions import Definition, Definitions
from assay.config.model import ModelSpec


@dataclass(frozen=True, slots=True)
class Model:
    """`sources` and `models` are what the query names; `others` are tables that it names without declaring them.

    `needs` are the models that must be built before: those named, and those that its sources stand on.
    `fingerprint` changes when the rows may: with the query, the columns, or the fingerprint of a model that it needs.
    """

    definition: Definition[ModelSpec]
    query: Query
    sources: tuple[str, ...]
    models: tuple[str, ...]
    others: tuple[str, ...]
    needs: tuple[str, ...]
    lateness: timedelta
    fingerprint: str

    @property
    def by_window(self) -> bool:
        """Whether the query asks for the days that are built."""
        return any(mark in self.query.sql for mark in WINDOW)

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def spec(self) -> ModelSpec:
        return self.definition.spec


def database(definitions: Definitions) -> str:
    """Our own database: where the tables of models are."""
    warehouse = definitions.project.warehouse
    return warehouse.database if warehouse else "assay"
