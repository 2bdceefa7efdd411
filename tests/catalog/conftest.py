from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.catalog.catalog import Catalog
from assay.catalog.resolve import resolve
from assay.config.load import load
from assay.errors import Diagnostic

Resolve = Callable[..., tuple[Catalog, tuple[Diagnostic, ...]]]

# Two sources of events, and a metric of each kind that others are made of.
BASE = """
sources:
  feed:
    table: feed_actions
    time: time
    entities: {user: user_id, post: post_id}
    dimensions: {os: os, country: country, age: {bins: age, cuts: [18, 25]}}
    columns: {user_id: UInt32, post_id: UInt32, time: DateTime, action: String, os: String, country: String,
      age: UInt8, seconds: Float64, arm: UInt8}
  chat:
    table: messages
    time: sent
    entities: {user: user_id, receiver: receiver_id}
    dimensions: {os: os, country: lower(country)}
    columns: {user_id: UInt32, receiver_id: String, sent: DateTime, os: String, country: String}
metrics:
  views: {type: count, source: feed, where: "action = 'view'", good: up}
  likes: {type: count, source: feed, where: "action = 'like'", good: up}
  seconds: {type: sum, source: feed, value: seconds, good: down}
  users: {type: unique, source: feed, of: user}
  posts: {type: unique, source: feed, of: post}
  senders: {type: unique, source: chat, of: user}
  receivers: {type: unique, source: chat, of: receiver}
  messages: {type: count, source: chat}
routes:
  here: {stdout: {}}
"""


@pytest.fixture
def resolved(tmp_path: Path) -> Resolve:
    """Resolves BASE and another file of definitions, which must both be well-formed."""

    def run(text: str = "", timezone: str = "UTC", base: str = BASE) -> tuple[Catalog, tuple[Diagnostic, ...]]:
        (tmp_path / "metrics").mkdir(exist_ok=True)
        (tmp_path / "project.yaml").write_text(f"name: test\ntimezone: {timezone}\n")
        (tmp_path / "metrics" / "base.yaml").write_text(base)
        (tmp_path / "metrics" / "more.yaml").write_text(text)
        loaded = load(tmp_path, use_cache=False)
        assert loaded.diagnostics == ()
        return resolve(loaded.definitions, loaded.broken)

    return run
