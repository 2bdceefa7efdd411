"""What is known about expressions saves work and changes no answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.catalog import memory
from assay.catalog.expression import BadExpression, Expression, parse
from assay.catalog.memory import Known, recall, remembering
from assay.config import cache


def learn(sql: str) -> Known:
    return f"learnt {sql}", frozenset({sql})


def refuse(sql: str) -> Known:
    raise AssertionError(f"{sql} was known")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_memory", memory._Memory())


def test_what_was_learnt_is_known_to_the_next_process(tmp_path: Path) -> None:
    with remembering(tmp_path):
        first = recall("a", learn)
    with remembering(tmp_path):
        assert recall("a", refuse) == first


def test_what_is_no_longer_met_is_forgotten(tmp_path: Path) -> None:
    with remembering(tmp_path):
        recall("a", learn), recall("b", learn)
    with remembering(tmp_path):
        recall("b", refuse)
    assert cache.expressions(tmp_path).keys() == {"b"}


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    with remembering(tmp_path):
        recall("a", learn)
    (file,) = tmp_path.rglob("expressions")
    file.chmod(0o444)
    before = file.stat().st_ino
    with remembering(tmp_path):
        recall("a", refuse)
    assert file.stat().st_ino == before


def test_a_mistake_is_not_remembered(tmp_path: Path) -> None:
    for _ in range(2):
        with remembering(tmp_path), pytest.raises(BadExpression):
            parse("a +")
    assert cache.expressions(tmp_path) == {}


def test_an_expression_is_the_same_with_and_without_memory(tmp_path: Path) -> None:
    def both() -> tuple[Expression, Expression]:
        return parse("(Price * 2 >  1)"), parse("upper({{ 'city' }})")

    with remembering(tmp_path):
        first = both()
    with remembering(tmp_path):
        assert both() == first
        assert first[1].columns == {"city"}
