"""Text is cut before it is marked up: no tag, no character and no word (where possible) is ever cut."""

from __future__ import annotations

import doctest
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from assay.delivery import markup
from assay.delivery.markup import Run, html, plain, split, units
from assay.delivery.pictures import sendable
from tests.delivery.fault_server import shown

runs = st.lists(st.builds(Run, st.text(st.sampled_from(list("ab <&>\"'_*\n🔴é"))), st.booleans()), max_size=12).map(
    tuple
)


def test_examples() -> None:
    assert doctest.testmod(markup).failed == 0


@given(runs, st.integers(2, 20), st.integers(2, 40))
def test_parts_fit_and_nothing_is_lost(given_runs: tuple[Run, ...], first: int, rest: int) -> None:
    parts = list(split(given_runs, first, rest))
    assert all(units(plain(part)) <= (rest if at else first) for at, part in enumerate(parts))
    assert all(plain(part).strip() == plain(part) != "" for part in parts)
    assert [each for part in parts for each in styled(part)] == list(styled(given_runs))


def styled(given_runs: tuple[Run, ...]) -> list[tuple[str, bool]]:
    """Each character and its style, without white space."""
    return [(each, run.bold) for run in given_runs for each in run.text if not each.isspace()]


@given(runs)
def test_a_part_is_well_formed_and_reads_as_it_was_written(given_runs: tuple[Run, ...]) -> None:
    for part in split(given_runs, 10, 10):
        assert shown(html(part), "HTML") == plain(part)


@given(st.lists(st.text(st.sampled_from("abc"), min_size=1, max_size=8), min_size=1))
def test_words_are_not_cut(words: list[str]) -> None:
    found = [plain(part) for part in split((Run(" ".join(words)),), 20, 20)]
    assert [word for part in found for word in part.split()] == words


def test_paragraphs_are_kept_together() -> None:
    text = "first paragraph\nof two lines\n\nsecond paragraph"
    assert [plain(part) for part in split((Run(text),), 40, 40)] == text.split("\n\n")


def picture(width: int, height: int) -> bytes:
    found = BytesIO()
    Image.new("RGB", (width, height), "red").save(found, "PNG")
    return found.getvalue()


def test_a_picture_stays_as_it_is_and_what_is_none_is_left_out() -> None:
    one = picture(40, 30)
    assert sendable([one, b"no picture", one]) == [one, one]
    assert sendable([b"no picture"]) == []


@pytest.mark.parametrize(("width", "height"), [(9_000, 2_000), (30, 9_000), (9_000, 30), (20, 500)])
def test_sizes_that_telegram_refuses_are_changed(width: int, height: int) -> None:
    (found,) = sendable([picture(width, height)])
    wide, high = Image.open(BytesIO(found)).size
    assert wide + high <= 10_000
    assert max(wide, high) <= 20 * min(wide, high)
