"""The port: all that the rest of Assay knows about a database."""

from __future__ import annotations

from typing import Protocol

from assay.statement import Insert, Statement, Table


class Engine(Protocol):
    """Runs one statement. Raises WarehouseError, in the four-part form, when the database does not."""

    def run(self, statement: Statement | Insert) -> Table: ...
