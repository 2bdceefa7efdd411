from __future__ import annotations

import csv
import io
import math
from datetime import date

import pytest

from assay.report import text


def test_a_table_aligns_words_left_and_numbers_right() -> None:
    shown = text.table(["metric", "value", "change"], [["dau", 16_612.0, "+5.0 %"], ["ctr", "22.5 %", None]])
    assert shown == (
        "metric   value  change\n"
        "──────  ──────  ──────\n"
        "dau      16.6K  +5.0 %\n"
        "ctr     22.5 %       –\n"
    )  # fmt: skip


def test_wide_and_combining_characters_keep_the_columns() -> None:
    lines = text.table(["city", "n"], [["東京", 1], ["Orléans", 2]]).splitlines()
    assert lines[2] == "東京     1"
    assert lines[3] == "Orléans  2"


def test_a_value_can_neither_break_the_table_nor_steer_the_terminal() -> None:
    assert "\x1b" not in text.table(["city"], [["a\nb\x1b[31m"]])
    assert len(text.table(["city"], [["a\nb"]]).splitlines()) == 3


def test_an_empty_table_is_its_header() -> None:
    assert text.table(["a", "b"], []) == "a  b\n─  ─\n"


def test_a_short_row_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        text.table(["a", "b"], [[1]])


def test_csv_is_exact_and_empty_where_nothing_is_known() -> None:
    shown = text.csv(["day", "city", "x"], [[date(2025, 10, 2), 'a,"b"', 0.1 + 0.2], ["", None, math.nan]])
    assert list(csv.reader(io.StringIO(shown))) == [
        ["day", "city", "x"],
        ["2025-10-02", 'a,"b"', "0.30000000000000004"],
        ["", "", ""],
    ]
    assert "\r" not in shown


def test_a_sparkline_has_one_character_per_value() -> None:
    assert text.sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert text.sparkline([1, None, math.nan, 3]) == "▁  █"
    assert text.sparkline([5, 5]) == "▄▄"
    assert text.sparkline([None, None]) == "  "
    assert text.sparkline([]) == ""
