"""Which layout our tables have: an older one is brought forward, a newer one is left alone."""

from __future__ import annotations

from assay.compiler import migrations
from assay.errors import WarehouseError
from assay.jobs.context import Context
from assay.statement import Insert, Statement


def migrate(context: Context) -> None:
    """Bring our tables to the layout of this version. Raises WarehouseError E517 when they are newer.

    A database without a number, and an empty one, is at 0: every migration may run on tables that need none.
    """
    for statement in migrations.create(context.database):
        context.engine.run(statement)
    sql = f"SELECT max(version) FROM {context.database}.schema_version"  # noqa: S608 - a checked name
    found = context.engine.run(Statement(sql, "read the layout of our tables")).scalar()
    if found > migrations.NEWEST:
        raise _newer(context.database, found)
    if found == migrations.NEWEST:
        return
    for statement in migrations.after(found, context.database):
        context.engine.run(statement)
    row = {"version": [migrations.NEWEST]}
    table, token = f"{context.database}.schema_version", f"version {migrations.NEWEST}"
    context.engine.run(Insert(table, row, "remember the layout of our tables", token))


def _newer(database: str, found: int) -> WarehouseError:
    return WarehouseError.of(
        "E517",
        f"The tables in '{database}' have layout {found}; this version of Assay knows up to {migrations.NEWEST}.",
        why="An older version would write rows that the newer one reads as something else.",
        fix="Update Assay here to the version that is used elsewhere.",
    )
