"""What a statement of ours becomes on a ClickHouse cluster. With one server nothing of this file is used.

    whole    states, ledgers, models, boards    every node holds every row: one replicated table over all shards
    spread   tables of one row per unit         every shard holds its own units, behind a Distributed table

States are thousands of rows a day whatever the events are, so that a copy on every node costs nothing, and a read or a
REPLACE PARTITION is that of one server. Rows of units grow with the users. They are spread by the unit, so that what is
added up per unit never leaves its shard: `apart` runs a statement on every shard over the tables that it has there.

A statement of a form that is not known here is refused: it would change one node of many.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from assay.errors import UsageError
from assay.statement import OWN, Statement

# Tables of ours with a row per unit, and the column by which they are spread.
SPREAD = {
    "unit_days": "unit",
    "experiment_days": "unit",
    "experiment_totals": "unit",
    "experiment_units": "assay__unit",
}

_LOCAL = "_local"
# {uuid} is one and the same on every node, and stays with a table that is renamed
_WHOLE = "'/clickhouse/tables/{uuid}/all', '{shard}-{replica}'"
_OF_SHARD = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
_ENGINE = re.compile(r"\bENGINE = (?!Replicated)(\w*MergeTree)(?:\(([^)]*)\))?")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster by its name in `system.clusters`.

    `entity` is what the event tables are sharded by, if that is said. `columns` then tells the column of each table,
    and None for a table of attributes, which every node must hold.
    """

    name: str
    entity: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def on(self) -> str:
        return f"ON CLUSTER '{self.name}'"

    def settings(self, timeout: int) -> dict[str, str | int]:
        """What holds for every statement: it waits for all shards and their copies, and leaves none out in silence."""
        return {
            "distributed_product_mode": "global",  # right wherever the rows are; `apart` says when it need not travel
            "skip_unavailable_shards": 0,
            "distributed_foreground_insert": 1,
            "insert_quorum": "auto",
            "alter_sync": 2,
            "distributed_ddl_task_timeout": timeout,
            "parallel_distributed_insert_select": 0,  # it would group on each shard alone, whatever the key is
        }

    def statements(self, statement: Statement) -> list[Statement]:
        """The statements to run instead, in this order. Raises UsageError E601 for a form that is not known."""
        if not statement.writes:
            return [statement]
        for pattern, form in _FORMS:
            found = pattern.fullmatch(statement.sql)
            if found:
                return [_one(statement, sql) for sql in form(_Found(self, statement, found.groups()))]
        raise UsageError.of(
            "E601",
            f"{statement.purpose}: this has no form on a cluster.",
            why="It would change one node of many.",
            fix="Use one server or chdb:// for it.",
        )

    def is_apart(self, statement: Statement) -> bool:
        """Whether the units of a statement lie on one shard each, with everything that it reads of them."""
        return statement.apart == OWN or self.trusts(statement)

    def trusts(self, statement: Statement) -> bool:
        """Whether that holds because project.yaml says it, so that it must be looked at first."""
        return statement.apart is not None and statement.apart == self.entity

    def behind(self, statement: Statement) -> Cluster:
        """The same with the tables that a statement names, perhaps a few more."""
        named = {table: column for table, column in self.columns.items() if table in statement.sql}
        return replace(self, columns=named)


@dataclass(frozen=True, slots=True)
class _Found:
    """A statement of a known form, with the parts of it that the form names."""

    cluster: Cluster
    statement: Statement
    groups: tuple[str, ...]


def _one(statement: Statement, sql: str) -> Statement:
    """With the parameters that it names: the driver formats the text itself when it finds none of them there."""
    named = {name: value for name, value in statement.parameters.items() if f"{{{name}:" in sql}
    return replace(statement, sql=sql, parameters=named)


def _database(it: _Found) -> list[str]:
    return [f"{it.statement.sql} {it.cluster.on}"]


def _create(it: _Found) -> list[str]:
    """A table from its columns."""
    head, name, rest = it.groups
    if not _key(name):
        return [f"{head}{name} {it.cluster.on} {_replicated(rest, _WHOLE)}"]
    own = f"{head}{_local(name)} {it.cluster.on} {_replicated(rest, _OF_SHARD)}"
    return [own, _distributed(it.cluster, head, name)]


def _copy(it: _Found) -> list[str]:
    """A stage with the structure of its target."""
    head, name, target, comment = it.groups
    if not _key(name):
        return [f"{head}{name} {it.cluster.on} AS {target}{comment}"]
    own = f"{head}{_local(name)} {it.cluster.on} AS {_local(target)}{comment}"
    return [own, _distributed(it.cluster, head, name, comment)]


def _filled(it: _Found) -> list[str]:
    """CREATE TABLE … AS SELECT: every node would run the SELECT, so the table is made empty, and then filled once."""
    head, name, layout, comment, query = it.groups
    if not _key(name):
        raise UsageError.of(
            "E601", f"'{name}' has no form on a cluster.", why="It holds no units.", fix="Create it, then fill it."
        )
    own = f"{head}{_local(name)} {it.cluster.on}\n{_replicated(layout, _OF_SHARD)}{comment}\nEMPTY AS {query}"
    fill = f"INSERT INTO {name}\n{_apart(it.cluster, query) if it.cluster.is_apart(it.statement) else query}"
    return [own, _distributed(it.cluster, head, name, f" {comment}"), fill]


def _insert(it: _Found) -> list[str]:
    """Rows of a table that is no stage are there for good, and the next statement may read them on any shard."""
    head, name, columns, query = it.groups
    if it.cluster.is_apart(it.statement):
        return [f"{head}{name}{columns}\n{_apart(it.cluster, query)}"]
    sync = [] if "__stg_" in name else [f"SYSTEM SYNC REPLICA {it.cluster.on} {name}"]
    return [it.statement.sql, *sync]


def _drop(it: _Found) -> list[str]:
    (name,) = it.groups
    names = [_whole(name), _local(name)] if _key(name) else [name]
    return [f"DROP TABLE IF EXISTS {each} {it.cluster.on} SYNC" for each in names]


def _rename(it: _Found) -> list[str]:
    """Of a spread table only what the shards hold: nothing is read from a checked stage any more."""
    old, new = it.groups
    if not _key(old):
        return [f"{it.statement.sql} {it.cluster.on}"]
    return [f"RENAME TABLE {_local(old)} TO {_local(new)} {it.cluster.on}", f"DROP TABLE {old} {it.cluster.on} SYNC"]


def _exchange(it: _Found) -> list[str]:
    """A node that has not yet fetched every row of the new table must not show it."""
    return [f"SYSTEM SYNC REPLICA {it.cluster.on} {it.groups[1]}", f"{it.statement.sql} {it.cluster.on}"]


def _alter(it: _Found) -> list[str]:
    """Of a whole table the change is an entry of its log, which every node follows; of a spread one, of each shard's.

    A node replaces a partition by what it has fetched of the stage so far, so it fetches the rest first.
    """
    name, change = it.groups
    spread = _key(name) is not None
    source, on = _FROM.search(change), f"{it.cluster.on} " if spread else ""
    sync = [f"SYSTEM SYNC REPLICA {on}{_local(source[1]) if spread else source[1]}"] if source else []
    if not spread:
        return [*sync, it.statement.sql]
    moved = _FROM.sub(lambda each: f"FROM {_local(each[1])}", change)
    return [*sync, f"ALTER TABLE {_local(name)} {it.cluster.on}{moved}"]


def _as_it_is(it: _Found) -> list[str]:
    return [it.statement.sql]


_NAME = r"([\w.`]+)"
_FROM = re.compile(rf"\bFROM {_NAME}")
_FORMS: tuple[tuple[re.Pattern[str], Callable[[_Found], list[str]]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), form)
    for pattern, form in (
        (r"CREATE DATABASE IF NOT EXISTS \S+", _database),
        (rf"(CREATE TABLE (?:IF NOT EXISTS )?){_NAME} (\(.*)", _create),
        (rf"(CREATE TABLE (?:IF NOT EXISTS )?){_NAME} AS {_NAME}( COMMENT .*|)", _copy),
        (rf"(CREATE TABLE ){_NAME}\n(ENGINE = .*?)(COMMENT '[^']*')\nAS (.*)", _filled),
        (rf"(INSERT INTO ){_NAME}( [^\n]+|)\n(.*)", _insert),
        (rf"DROP TABLE IF EXISTS {_NAME} SYNC", _drop),
        (rf"RENAME TABLE {_NAME} TO {_NAME}", _rename),
        (rf"EXCHANGE TABLES {_NAME} AND {_NAME}", _exchange),
        (rf"ALTER TABLE {_NAME}(\s.*)", _alter),
        (r"DELETE FROM .*", _as_it_is),
    )
)


def _apart(cluster: Cluster, query: str) -> str:
    """The whole query on every shard: behind one row of each, `local` puts the tables of the shard for those of all."""
    text, _, settings = query.rpartition("\nSETTINGS ")
    return (
        f"SELECT assay__rows.*\nFROM cluster('{cluster.name}', system.one) AS assay__shard\n"
        f"INNER JOIN (\n{text or settings}\n) AS assay__rows ON assay__shard.dummy = 0\n"
        f"SETTINGS {f'{settings}, ' if text else ''}distributed_product_mode = 'local'"
    )


def _distributed(cluster: Cluster, head: str, name: str, comment: str = "") -> str:
    database, _, table = _local(name).rpartition(".")
    where = f"'{cluster.name}', '{database}', '{table}', cityHash64({_key(name)})"
    return f"{head}{name} {cluster.on} AS {_local(name)} ENGINE = Distributed({where}){comment}"


def _replicated(layout: str, place: str) -> str:
    def engine(found: re.Match[str]) -> str:
        return f"ENGINE = Replicated{found[1]}({place}{f', {found[2]}' if found[2] else ''})"

    return _ENGINE.sub(engine, layout)


def _whole(name: str) -> str:
    return name.removesuffix(_LOCAL)


def _local(name: str) -> str:
    """What a shard holds of a spread table; of the name of that itself, the same."""
    return f"{_whole(name)}{_LOCAL}"


def _key(name: str) -> str | None:
    """The column by which a table of ours, or a stage of it, is spread."""
    table = _whole(name).rpartition(".")[2]
    return SPREAD.get(re.split("__stg_|__rdy_", table)[0])
