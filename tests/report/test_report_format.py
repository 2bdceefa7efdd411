from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from assay.report import format as formats


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (0, "number", "0"),
        (381, "number", "381"),
        (1234, "number", "1,234"),
        (9999, "number", "9,999"),
        (16_612, "number", "16.6K"),
        (999_949, "number", "999.9K"),
        (999_960, "number", "1.0M"),  # not 1000.0K
        (1_240_000, "number", "1.2M"),
        (2.5e9, "number", "2.5B"),
        (1.57, "number", "1.57"),  # not 2
        (3.9, "number", "3.90"),
        (22.53, "number", "22.5"),
        (99.97, "number", "100"),
        (0.27, "number", "0.27"),
        (0.0164, "number", "0.016"),
        (-1234, "number", "−1,234"),
        (0.225, "percent", "22.5 %"),
        (0.0004, "percent", "0.04 %"),
        (0, "percent", "0.0 %"),
        (-0.02, "percent", "−2.0 %"),
        (45.25, "seconds", "45.2 s"),
        (30.8, "minutes", "30.8 min"),
        (None, "number", "–"),
        (math.nan, "percent", "–"),
        (math.inf, "minutes", "–"),
    ],
)
def test_a_value_reads_in_its_style(value: float | None, style: formats.Style, text: str) -> None:
    assert formats.show(value, style) == text


@pytest.mark.parametrize(
    ("before", "after", "text", "sign"),
    [
        (100, 105.6, "+5.6 %", "▲"),
        (100, 98, "−2.0 %", "▼"),
        (100, 100.01, "0.0 %", "→"),
        (1, 13.5, "+1,250 %", "▲"),
        (-4, -2, "+50.0 %", "▲"),
        (0, 5, "–", ""),
        (None, 5, "–", ""),
        (5, None, "–", ""),
        (5, math.nan, "–", ""),
    ],
)
def test_a_change_is_signed_and_relative(before: float | None, after: float | None, text: str, sign: str) -> None:
    assert formats.show_change(before, after) == text
    assert formats.arrow(formats.change(before, after)) == sign


@pytest.mark.parametrize(
    ("share", "good", "expected"),
    [
        (0.1, "up", "good"),
        (-0.1, "up", "bad"),
        (-0.1, "down", "good"),  # fewer minutes are good news
        (0.1, "down", "bad"),
        (0.1, None, "flat"),
        (0.0004, "up", "flat"),
        (None, "up", "flat"),
        (math.nan, "up", "flat"),
    ],
)
def test_the_tone_follows_the_direction_of_good(
    share: float | None, good: formats.Good | None, expected: formats.Tone
) -> None:
    assert formats.tone(share, good) == expected


def test_shares_differ_by_percentage_points() -> None:
    assert formats.show_difference(0.0164, "percent") == "+1.64 pp"
    assert formats.show_difference(-0.27) == "−0.27"
    assert formats.show_difference(12) == "+12"
    assert formats.show_difference(None, "percent") == "–"


def test_small_p_values_show_their_bound() -> None:
    assert [formats.show_p(each) for each in (0.0499, 1e-12, None)] == ["0.050", "< 0.001", "–"]


def test_dates_are_english_and_keep_their_zone() -> None:
    assert formats.show_date(date(2025, 10, 2)) == "2 Oct"
    assert formats.show_date(datetime(2025, 10, 2, 14, 5, tzinfo=UTC)) == "2 Oct 14:05"
    assert formats.show_day(date(2025, 10, 2)) == "2 Oct 2025"
    assert formats.show_time("2025-10-14T10:15:00+03:00") == "14 Oct 2025 10:15"


@pytest.mark.parametrize("by", [None, {}, ""])
def test_no_slice_is_everyone(by: dict[str, str] | str | None) -> None:
    assert formats.show_slice(by) == "everyone"
    assert formats.show_slice({"city": "Moscow", "os": "iOS"}) == "city = Moscow, os = iOS"


def test_labels_of_an_axis_can_be_told_apart() -> None:
    assert formats.show_ticks([10_000, 20_000]) == ["10.0K", "20.0K"]
    assert formats.show_ticks([12_320, 12_340, 12_360]) == ["12,320", "12,340", "12,360"]
    assert formats.show_ticks([0.2210, 0.2212], "percent") == ["22.10 %", "22.12 %"]
    assert formats.show_ticks([]) == []
