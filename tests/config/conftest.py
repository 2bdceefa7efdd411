from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]

SOURCE = "sources:\n  feed: {table: feed_actions, time: time, entities: {user: user_id}}\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files (path: text) into a project with one source, and returns its root."""

    def write_files(files: dict[str, str] | None = None) -> Path:
        for path, text in {"project.yaml": "name: test\n", "metrics/sources.yaml": SOURCE, **(files or {})}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        return tmp_path

    return write_files
