"""A definition is appended without touching what stands in the file; what cannot be done safely is refused."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.config.append import added
from assay.config.scaffold import Noted, document, flow
from assay.config.yaml import parse
from assay.errors import UsageError

BODY = {"type": "count", "source": "feed"}
FILES = {
    "nothing": "",
    "a comment": "# Written by hand.\n",
    "block": "metrics:\n  views: {type: count, source: feed}  # why\n",
    "no end of line": "metrics:\n  views: {type: count, source: feed}",
    "four spaces": "metrics:\n    views:\n        type: count\n        source: feed\n",
    "between sections": "metrics:\n  a: {b: 1}\n  # of a\n\n# the alerts\nalerts:\n  c: {d: 2}\n# the end\n",
    "another section": "alerts:\n  c: {d: 2}\n# the end\n",
    "empty": "metrics:  # to be filled\nalerts: {}\n",
    "null": "metrics: null # to be filled\nalerts: {}\n",
    "brackets": "metrics: {a: {b: 1}}\nalerts: {}\n",
    "empty brackets": "metrics: {}\n",
    "brackets on lines": "metrics: {\n  a: {b: 1},  # a comment, with a comma\n}\n",
    "all in brackets": "{alerts: {c: {d: 2}}}\n",
    "all in brackets, with the section": "{metrics: {c: {d: 2}}, alerts: {}}",
    "all in brackets, with nothing": "{metrics: , alerts: {}}",
    "windows": "metrics:\r\n  a: {b: 1}\r\n\r\n# more\r\nalerts: {}\r\n",
    "end marker": "---\nmetrics:\n  a: {b: 1}\n...\n",
    "mark of order": "\ufeffmetrics:\n  a: {b: 1}\n",
    "block text": "metrics:\n  a:\n    where: |\n      x\n      y\n\nalerts: {}\n",
    "quoted key": '"metrics":\n  "a": {b: 1}\n',
}


@pytest.mark.parametrize("name", FILES)
def test_everything_that_stood_there_stays(name: str) -> None:
    text = FILES[name]
    after = added(text, "metrics", "likes", BODY)
    before, data = parse(text.encode(), "f").data or {}, parse(after.encode(), "f").data
    assert data == {**before, "metrics": {**(before.get("metrics") or {}), "likes": BODY}}
    removed = [each[2:] for each in difflib.ndiff(list(text), list(after)) if each.startswith("- ")]
    assert "".join(removed).strip() in ("", "null")


def test_where_it_stands() -> None:
    assert added(FILES["between sections"], "metrics", "likes", BODY).splitlines()[2:6] == [
        "  # of a",
        "  likes: {type: count, source: feed}",
        "",
        "# the alerts",
    ]
    assert added(FILES["four spaces"], "metrics", "likes", BODY).endswith("\n    likes: {type: count, source: feed}\n")
    windows = added(FILES["windows"], "metrics", "likes", BODY)
    assert windows.count("\n") == windows.count("\r\n") == 6


def test_what_would_change_the_rest_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be appended"):
        added("metrics:\n  a:\n    where: |+\n      x\n\n", "metrics", "a", BODY)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), max_size=20)
scalars = st.one_of(texts, st.integers(-(10**9), 10**9), st.booleans(), st.none(), st.floats(-1e6, 1e6))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@given(values)
def test_any_value_is_read_back(value: object) -> None:
    assert parse(f"x: {flow(value)}\n".encode(), "f").data == {"x": value}


@given(st.dictionaries(texts, values, max_size=4), texts)
def test_any_document_is_read_back_with_its_comments(body: dict[str, object], why: str) -> None:
    noted = {name: Noted(value, why) for name, value in body.items()}
    found = parse(document({"metrics": {"a": noted, "b": body}}).encode(), "f")
    assert (found.diagnostics, found.data) == ((), {"metrics": {"a": body, "b": body}})


def test_a_line_each_where_it_fits() -> None:
    long = {"type": "count", "source": "feed", "where": "action IN ('one', 'two')", "description": "x" * 60}
    assert document({"metrics": {"a": {"type": "count"}, "b": Noted(BODY, "because"), "c": long}}, "# top") == (
        "# top\n"
        "metrics:\n"
        "  a: {type: count}\n"
        "  b: {type: count, source: feed}  # because\n"
        "  c:\n"
        "    type: count\n"
        "    source: feed\n"
        "    where: \"action IN ('one', 'two')\"\n"
        f"    description: {'x' * 60}\n"
    )
