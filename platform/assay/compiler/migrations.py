"""The layout of our own tables: what brings an older one forward, step by step.

`CREATE TABLE IF NOT EXISTS` makes what is missing in its newest form, so a migration only changes what was there
before. Each one changes nothing when it runs again: a process may die between two of them.
"""

from __future__ import annotations

from assay.compiler.render import write
from assay.statement import Statement

# Number by place, from 1: a template of templates/migrations. Only ever add to the end.
MIGRATIONS = ("001_builds_seen",)
NEWEST = len(MIGRATIONS)


def after(version: int, database: str) -> list[Statement]:
    """The statements that lead from a version to the newest one."""
    return [write(f"migrations/{name}", f"migration {name}", database=database) for name in MIGRATIONS[version:]]


def create(database: str) -> list[Statement]:
    """The tables by which a project is operated."""
    tables = ("schema_version", "pauses", "run_steps")
    return [write(f"states/{table}", f"create {table}", database=database) for table in tables]
