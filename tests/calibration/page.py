"""Rates with what chance allows them, and `docs/calibration.md`, which the suite writes and is held to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from scipy import stats as reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"
# Of one check of the suite, which makes about a thousand: a right engine fails one of them with probability 1 %.
ERROR = 1e-5
ALPHAS = (0.01, 0.05, 0.10)


def kept(hits: int, runs: int, alpha: float) -> bool:
    """Whether a rate is as high as promised, give or take chance (4.4 binomial standard errors for many runs)."""
    low, high = reference.binom.interval(1 - ERROR, runs, alpha)
    return bool(low <= hits <= high)


def not_above(hits: int, runs: int, alpha: float) -> bool:
    """Whether a rate is at most as high as promised, give or take chance."""
    return bool(hits <= reference.binom.isf(ERROR, runs, alpha))


def percent(hits: int, runs: int) -> str:
    """A rate in percent with its exact 95 % interval (Clopper and Pearson 1934)."""
    low, high = reference.binomtest(hits, runs).proportion_ci()
    return f"{100 * hits / runs:.2f} ({100 * low:.2f}–{100 * high:.2f})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def keep(section: str, text: str) -> None:
    """Compare a measured part of the page with what was measured now, or write it with ASSAY_UPDATE_GOLDEN=1."""
    page = PAGE.read_text(encoding="utf-8")
    mark = re.search(rf"(?s)(?<=<!-- measured: {section} -->\n).*?(?=<!-- end -->)", page)
    assert mark, f"docs/calibration.md has no part for {section}"
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        page = page[: mark.start()] + text + page[mark.end() :]
        PAGE.write_text(page, encoding="utf-8")
        return
    written, now = (re.split(_NUMBER, each) for each in (mark[0], text))
    assert now[::2] == written[::2], "ASSAY_UPDATE_GOLDEN=1 writes the page again"
    # Another BLAS may move the last digit of a p-value, and with it a replay or two across a level.
    assert [*map(float, now[1::2])] == pytest.approx([*map(float, written[1::2])], abs=0.5, rel=0.02)


_NUMBER = r"(\d+(?:\.\d+)?)"
