"""Diagnostics for people, editors, programs and GitHub."""

from __future__ import annotations

import json

import pytest

from assay.config import render
from assay.errors import Diagnostic, Location

ERROR = Diagnostic("E102", "Unknown field 'a'.", "Because.", "Write b.", Location("m/a.yaml", 2, 4))
WARNING = Diagnostic("W601", "Few.", "Why.", "Wait.", Location("m/b.yaml", 1, 1), "warning")
NOWHERE = Diagnostic("E106", "No project:\n100%, here.", "Why.", "Fix.")
SOURCES = {"m/a.yaml": "x:\n\t  a: 1\r\n"}


def test_text_shows_the_line_and_a_caret_below_the_column() -> None:
    assert render.text([ERROR], SOURCES.get) == (
        "m/a.yaml:2:4: E102 Unknown field 'a'.\n"
        "  2 | \t  a: 1\n"
        "    | \t  ^\n"
        "  why: Because.\n"
        "  fix: Write b.\n"
        "\n"
        "1 error in 1 file\n"
    )


def test_text_does_without_the_file() -> None:
    assert "|" not in render.text([ERROR, WARNING, NOWHERE])
    assert render.text([]) == ""


def test_text_survives_a_place_beyond_the_end() -> None:
    assert render.text([ERROR], lambda _: "a").count("\n") == render.text([ERROR]).count("\n")
    assert "|    ^" in render.text([ERROR], lambda _: "x\n\n")


@pytest.mark.parametrize(
    ("diagnostics", "expected"),
    [
        ([], "no errors"),
        ([ERROR], "1 error in 1 file"),
        ([ERROR, ERROR, WARNING], "2 errors and 1 warning in 2 files"),
        ([WARNING], "1 warning in 1 file"),
        ([NOWHERE], "1 error"),
    ],
)
def test_summary_counts(diagnostics: list[Diagnostic], expected: str) -> None:
    assert render.summary(diagnostics) == expected


def test_short_is_one_line_each() -> None:
    assert render.short([ERROR, NOWHERE]) == (
        "m/a.yaml:2:4: E102 Unknown field 'a'.\n-: E106 No project: 100%, here.\n"
    )


def test_json_is_the_contract_of_validate() -> None:
    answer = json.loads(render.as_json([ERROR, WARNING], 7))
    assert (answer["schema"], answer["ok"], answer["definitions"]) == (1, False, 7)
    assert answer["errors"] == [ERROR.as_dict()]
    assert answer["errors"][0].keys() == {"code", "path", "line", "column", "message", "why", "fix"}
    assert [each["code"] for each in answer["warnings"]] == ["W601"]
    assert json.loads(render.as_json([WARNING], 0))["ok"] is True


def test_github_escapes_properties_and_messages() -> None:
    odd = Diagnostic("E001", "50%: a, b", "w", "f", Location("a,b:c%.yaml", 3, 5))
    assert render.github([odd, NOWHERE], "shop/") == (
        "::error file=shop/a%2Cb%3Ac%25.yaml,line=3,col=5,title=E001::50%25: a, b%0Awhy: w%0Afix: f\n"
        "::error title=E106::No project: 100%25, here.%0Awhy: Why.%0Afix: Fix.\n"
    )
    assert render.github([WARNING]).startswith("::warning file=m/b.yaml,")
