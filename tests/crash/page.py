"""`docs/reliability.md`: the suites count what they did, and hold the page to its structure; counts may differ."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
_NUMBER = re.compile(r"\d[\d,]*")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def keep(section: str, text: str) -> None:
    """Compare a part of the page with what was found now, apart from its counts; ASSAY_UPDATE_GOLDEN=1 writes it."""
    page = PAGE.read_text(encoding="utf-8")
    mark = re.search(rf"(?s)(?<=<!-- measured: {section} -->\n).*?(?=<!-- end -->)", page)
    assert mark, f"docs/reliability.md has no part for {section}"
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        PAGE.write_text(page[: mark.start()] + text + page[mark.end() :], encoding="utf-8")
        return
    assert _NUMBER.sub("N", text) == _NUMBER.sub("N", mark[0]), "ASSAY_UPDATE_GOLDEN=1 writes the page again"
