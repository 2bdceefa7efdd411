"""An engine that remembers what it was asked and answers from a list: for tests and documentation."""

from __future__ import annotations

from collections.abc import Mapping

from assay.statement import Insert, Statement, Table


class MemoryEngine:
    """`answers` maps a statement's purpose to its table; anything else gets an empty one."""

    def __init__(self, answers: Mapping[str, Table] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[Statement | Insert] = []

    def run(self, statement: Statement | Insert) -> Table:
        self.asked.append(statement)
        return self.answers.get(statement.purpose, Table())
