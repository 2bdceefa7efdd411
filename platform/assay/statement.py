"""What travels between the compiler and the engine: one SQL statement out, one table back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.errors import Location

OWN = "*"


@dataclass(frozen=True, slots=True)
class Statement:
    """Exactly one SQL statement.

    `parameters` fill `{name:Type}` placeholders on the server side. `origin` is the YAML line that asked for it; it
    leads the SQL as a comment and is set as `log_comment`. Without `writes` the statement runs read-only.
    `apart` names the entity whose units never meet in it, OWN if it reads our own tables of units only: a cluster may
    then run it on each shard alone.
    """

    sql: str
    purpose: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    origin: Location | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    writes: bool = False
    apart: str | None = None


def replace_partitions(target: str, partitions: Iterable[str], source: str, purpose: str) -> Statement:
    """Partitions (SQL literals) of a table become those of another one with the same columns, without a copy."""
    moves = ",\n  ".join(f"REPLACE PARTITION {each} FROM {source}" for each in partitions)
    # without the setting, a day that became empty would keep its old rows
    settings = "SETTINGS allow_replace_partition_from_empty_source = 1"
    return Statement(f"ALTER TABLE {target}\n  {moves}\n{settings}", purpose, writes=True)


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows from Python, column by column; `token` makes a repeated insert of the same rows a no-op."""

    table: str
    columns: Mapping[str, Sequence[Any]]
    purpose: str
    token: str


@dataclass(frozen=True, slots=True)
class Table:
    """A result: column names and rows of plain Python values."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def dicts(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def column(self, name: str) -> list[Any]:
        """All values of one column; an empty list for an empty result, whose columns the driver does not name."""
        at = self.columns.index(name) if self.rows else 0
        return [row[at] for row in self.rows]

    def scalar(self) -> Any:
        """The only value of a one-by-one table; ValueError if it has another shape."""
        ((value,),) = self.rows
        return value
