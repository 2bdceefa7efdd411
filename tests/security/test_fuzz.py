"""A bounded, seeded share of what `python -m tests.security.fuzz` tries without end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.security import fuzz
from tests.security.fuzz import EXECUTIONS, PROPERTIES, Ground


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with fuzz.ground(tmp_path_factory.mktemp("fuzz") / "project") as made:
        yield made


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds_for_random_values(name: str, ground: Ground) -> None:
    share = min(settings.default.max_examples / 100, 1) if settings.default else 1
    examples = max(round(PROPERTIES[name].examples * share / (2 if share < 1 else 1)), 3)
    fuzz.execute(ground, name, examples)
    assert EXECUTIONS[name] > 0
