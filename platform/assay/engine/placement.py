"""Whether the tables of a cluster lie as project.yaml says: else each shard alone would lose rows in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from assay.engine.cluster import Cluster
from assay.engine.port import Engine
from assay.errors import WarehouseError
from assay.statement import Statement

_DISTRIBUTED = re.compile(r"Distributed\('?(.*?)'?, '?.*?'?, '?.*?'?, (.*?)(?:, '\w+')?\)(?: SETTINGS .*)?")
_OF_ANY_WIDTH = {"?", "cityHash64(?)", "intHash64(?)"}
# On each shard they would show the rows of all, or of another server.
_ELSEWHERE = {"Distributed", "View", "MaterializedView", "Merge", "Buffer", "MySQL", "PostgreSQL", "URL", "S3"}


def verify(cluster: Cluster, engine: Engine) -> None:
    """Compare the sharding of the tables with what is said of it. Raises WarehouseError E505 where they differ."""
    wrong = list(_wrong(cluster, _engines(cluster, engine), _types(cluster, engine)))
    if wrong:
        raise WarehouseError.of(
            "E505",
            f"The tables are not sharded by '{cluster.entity}': {'; '.join(wrong)}.",
            why="What is counted on each shard alone would miss the rows of a unit that lie on another one.",
            fix="Shard them by this entity, or remove 'shard_by' from project.yaml: rows then travel to be counted.",
        )


def _engines(cluster: Cluster, engine: Engine) -> dict[str, str]:
    """Table: its engine with its arguments."""
    sql = """SELECT arrayJoin(arrayIntersect([name, concat(database, '.', name)], {tables:Array(String)})),
  if(engine_full = '', engine, engine_full)
FROM system.tables WHERE database = currentDatabase() OR has({tables:Array(String)}, concat(database, '.', name))"""
    found = engine.run(Statement(sql, "read how tables are sharded", {"tables": list(cluster.columns)}))
    return {str(name): str(engine) for name, engine in found.rows}


def _types(cluster: Cluster, engine: Engine) -> dict[tuple[str, str], str]:
    """(Table, column): the type by which the sharding key hashes."""
    sql = """SELECT arrayJoin(arrayIntersect([table, concat(database, '.', table)], {tables:Array(String)})), name, type
FROM system.columns WHERE has({columns:Array(String)}, name)
  AND (database = currentDatabase() OR has({tables:Array(String)}, concat(database, '.', table)))"""
    parameters = {"tables": list(cluster.columns), "columns": [each for each in cluster.columns.values() if each]}
    found = engine.run(Statement(sql, "read what tables are sharded by", parameters))
    return {(str(table), str(name)): _hashed(str(kind)) for table, name, kind in found.rows}


def _hashed(kind: str) -> str:
    """The type without what no hash looks at."""
    return re.sub(r"^(?:LowCardinality\(|Nullable\()*([^()]+)\)*$", r"\1", kind)


def _wrong(cluster: Cluster, engines: Mapping[str, str], types: Mapping[tuple[str, str], str]) -> Iterator[str]:
    keys: dict[str, str] = {}
    for table, column in cluster.columns.items():
        full = engines.get(table)
        if full is None:
            yield f"{table} is missing"
        elif column is None:
            if re.split(r"\W", full)[0] in _ELSEWHERE:
                yield f"{table}, whose columns are joined, is not a table that every node holds"
        else:
            key = _key(cluster, full, column)
            keys[table] = f"{key} of {_width(key, types.get((table, column), ''))}" if key else ""
    told = (f"{table} is no Distributed table over {cluster.columns[table]}" for table, key in keys.items() if not key)
    yield from told
    if len(set(filter(None, keys.values()))) > 1:
        yield f"the sharding keys differ: {', '.join(f'{table} by {key}' for table, key in keys.items() if key)}"


def _width(key: str, kind: str) -> str:
    """Whole numbers of any width hash alike by these functions, and not by others."""
    return "UInt" if key in _OF_ANY_WIDTH and re.fullmatch(r"UInt(8|16|32|64)", kind) else kind


def _key(cluster: Cluster, full: str, column: str) -> str | None:
    """The sharding key of a Distributed table with `?` for the column; None when it is none, or of other columns."""
    found = _DISTRIBUTED.fullmatch(full)
    if found is None or not (found[1] == cluster.name or "{" in found[1]):
        return None
    key = re.sub(rf"(?<![\w`]){re.escape(column)}(?!\w)|`{re.escape(column)}`", "?", found[2])
    return key if "?" in key and not re.search(r"\b[A-Za-z_]\w*\b(?!\()", key) else None
