"""YAML 1.2 scalars, positions, and what the language leaves out; with libyaml and with PyYAML's own parser."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.config import yaml
from assay.errors import Location

SCALARS = {
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "NO": "NO", "no": "no", "on": "on", "off": "off", "y": "y", "yes": "yes", "nULL": "nULL", "tRUE": "tRUE",
    "0": 0, "-0": 0, "12": 12, "+12": 12, "-12": -12, "0o17": 15, "0x1F": 31,
    "010": "010", "1_000": "1_000", "0b11": "0b11", "0o8": "0o8", "0X1F": "0X1F", "-0x1": "-0x1",
    "9" * 5000: "9" * 5000,
    "1.5": 1.5, "-.5": -0.5, "1.": 1.0, "1e3": 1000.0, "1.5E-3": 0.0015, ".inf": math.inf, "-.Inf": -math.inf,
    "1e": "1e", "1,5": "1,5", "+": "+", ".": ".", "1.2.3": "1.2.3", "nan": "nan", "inf": "inf", "1e3x": "1e3x",
    "22:00": "22:00", "2025-08-02": "2025-08-02", "2025-08-02T10:00:00Z": "2025-08-02T10:00:00Z", "=": "=",
    "10%": "10%", "-1%": "-1%", "2/3": "2/3", "15m": "15m",
}  # fmt: skip


@pytest.fixture(params=["libyaml", "python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "python":
        monkeypatch.setattr(yaml, "PARSER", yaml._Python)
    return str(request.param)


def codes(text: str | bytes) -> list[tuple[str, int, int]]:
    content = text.encode() if isinstance(text, str) else text
    found = yaml.parse(content, "f.yaml").diagnostics
    assert all(each.location and each.location.path == "f.yaml" for each in found)
    return [(each.code, each.location.line, each.location.column) for each in found if each.location]


@pytest.mark.parametrize(("text", "value"), SCALARS.items(), ids=[text[:20] for text in SCALARS])
def test_a_plain_scalar_is_read_by_the_core_schema(text: str, value: object) -> None:
    read = yaml.parse(f"key: {text}\n".encode(), "f.yaml").data["key"]
    assert (read, type(read)) == (value, type(value))


def test_not_a_number_is_read() -> None:
    assert math.isnan(yaml.parse(b"key: .nan", "f.yaml").data["key"])


@pytest.mark.parametrize("text", ["null", "true", "1", "1.5"])
@pytest.mark.parametrize("form", ["'{}'", '"{}"', "|-\n  {}", ">-\n  {}"])
def test_a_quoted_or_block_scalar_is_text(text: str, form: str) -> None:
    assert yaml.parse(f"key: {form.format(text)}\n".encode(), "f.yaml").data == {"key": text}


TEXT = """\
# comment
metrics:
  ctr:
    type: ratio
    by: [os,  "city"]
    steps:
    - view
    - {like: 1}
    note: |
      é
    naïve: 1
"""


def test_every_key_and_value_has_its_exact_place() -> None:
    document = yaml.parse(TEXT.encode(), "f.yaml")
    values, keys = (yaml.Places("f.yaml", document.place, of_keys) for of_keys in (False, True))
    expected = {
        (): ((2, 1), (2, 1)),
        ("metrics",): ((2, 1), (3, 3)),
        ("metrics", "ctr"): ((3, 3), (4, 5)),
        ("metrics", "ctr", "type"): ((4, 5), (4, 11)),
        ("metrics", "ctr", "by"): ((5, 5), (5, 9)),
        ("metrics", "ctr", "by", 0): ((5, 10), (5, 10)),
        ("metrics", "ctr", "by", 1): ((5, 15), (5, 15)),
        ("metrics", "ctr", "steps"): ((6, 5), (7, 5)),
        ("metrics", "ctr", "steps", 0): ((7, 7), (7, 7)),
        ("metrics", "ctr", "steps", 1): ((8, 7), (8, 7)),
        ("metrics", "ctr", "steps", 1, "like"): ((8, 8), (8, 14)),
        ("metrics", "ctr", "note"): ((9, 5), (9, 11)),
        ("metrics", "ctr", "naïve"): ((11, 5), (11, 12)),
    }
    assert {path: (_pair(keys[path]), _pair(values[path])) for path in values} == expected
    assert len(values) == len(expected)
    assert ("metrics", "ctr", "type", "deeper") not in values
    assert values.nearest(("metrics", "ctr", "type", "deeper")) == values["metrics", "ctr", "type"]


def _pair(location: Location) -> tuple[int, int]:
    return location.line, location.column


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb:\n  a: 1\n  a: 2\na: 3\n", [("E002", 4, 3), ("E002", 5, 1)]),
        ("a: &x 1\nb: *x\n", [("E004", 1, 4), ("E004", 2, 4)]),
        ("a: !!str 1\nb: !x [1]\n", [("E004", 1, 4), ("E004", 2, 4)]),
        ("a:\n  <<: {b: 1}\n", [("E004", 2, 3)]),
        ("1: a\ntrue: b\n~: c\n1.5: d\n", [("E104", line, 1) for line in (1, 2, 3, 4)]),
        ("[a]: 1\n", [("E104", 1, 1)]),
        ("a: {{ b }}\n", [("E104", 1, 5)]),
        ("a: 1\n---\nb: 2\n", [("E001", 2, 1)]),
        ("a:\n\tb: 1\n", [("E001", 2, 1)]),
        ("a: @b\n", [("E001", 1, 4)]),
        ("a: b: c\n", [("E001", 1, 5)]),
        ("a: [1, 2\n", [("E001", 1, 4)]),
        ('a: "b\n', [("E001", 1, 4)]),
        ("[" * 100_000, [("E001", 1, 65)]),
        ("a: \x07\n", [("E001", 1, 4)]),
        (b"a: 1\nb: caf\xe9\n", [("E003", 2, 7)]),
        ("a: 1\n".encode("utf-16"), [("E003", 1, 1)]),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, str | bytes) else "",
)
def test_what_is_not_in_the_language_is_refused_at_its_place(
    text: str | bytes, expected: list[tuple[str, int, int]]
) -> None:
    assert codes(text) == expected


def test_a_key_that_stands_twice_names_both_places() -> None:
    (found,) = yaml.parse(b"a: 1\nb: 2\na: 3\n", "f.yaml").diagnostics
    assert str(found.location) == "f.yaml:3:1"
    assert "line 1, column 1" in found.message


@pytest.mark.parametrize("text", [b"", b"\n# only a comment\n", b"---\n", b"\xef\xbb\xbf"])
def test_an_empty_file_holds_nothing(text: bytes) -> None:
    document = yaml.parse(text, "f.yaml")
    assert (document.data, document.diagnostics) == (None, ())


def test_a_byte_order_mark_is_skipped() -> None:
    assert yaml.parse(b"\xef\xbb\xbfa: 1\n", "f.yaml").data == {"a": 1}


def test_a_broken_file_still_tells_its_names() -> None:
    text = b"sources:\n\n  # note\n  feed:\n    table: t\nmetrics:\n  a: {x: [}\n  b-c:\n    type: count\nroutes: {}\n"
    assert yaml.parse(text, "f.yaml").names == {("sources", "feed"), ("metrics", "a"), ("metrics", "b-c")}


@pytest.mark.parametrize(("text", "found"), [("a: ${X}", True), ("a: $X", False), ("a: '${1}'", False)])
def test_references_to_the_environment_are_noticed(text: str, found: bool) -> None:
    assert yaml.parse(text.encode(), "f.yaml").references is found


# Line and paragraph separators are line breaks to YAML parsers, and control characters are refused.
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"], exclude_characters="\ufeff"))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=10)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, VALUES))
def test_json_is_yaml(data: dict[str, object]) -> None:
    written = json.dumps(data, ensure_ascii=False)
    read = yaml.parse(written.encode(), "f.yaml")
    assert read.diagnostics == ()
    assert read.data == data


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_give_data_or_a_diagnostic(content: bytes) -> None:
    document = yaml.parse(content, "f.yaml")
    assert document.data is None or not document.diagnostics
