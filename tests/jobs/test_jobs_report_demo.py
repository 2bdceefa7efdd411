"""The demo's daily report for three past days: golden texts, and the numbers that every other output gives.

ASSAY_UPDATE_GOLDEN=1 writes the texts anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from assay.jobs.context import Context
from assay.jobs.outputs import report
from assay.jobs.outputs.blocks import news
from assay.jobs.outputs.blocks.series import series
from assay.jobs.queries.query import query
from assay.project import Project
from assay.report.report import render_report
from assay.report.views import ReportView

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "golden"
ORDINARY, OUTAGE, SURGE = date(2025, 9, 24), date(2025, 8, 24), date(2025, 9, 8)
WEEK = timedelta(days=7)
MESSENGER = ("sender_dau", "receiver_dau", "messenger_dau", "messages_per_sender", "messenger_only_dau")
# Days on which something was planted, and those that are compared with one of them.
PLANTED = [
    ("2025-08-15", "2025-08-24"),
    ("2025-09-07", "2025-09-10"),
    ("2025-09-29", "2025-10-07"),
    ("2025-10-13", "2025-10-20"),
]


@pytest.fixture(scope="module")
def context(demo_project: Project) -> Iterator[Context]:
    with demo_project.open(datetime(2026, 1, 1, tzinfo=UTC)) as context:
        yield context


def view(context: Context, day: date) -> ReportView:
    return report.view(context, context.catalog.report("daily"), day)


def text(seen: ReportView) -> str:
    title, blocks = render_report(seen)
    parts = [[title, *seen.story], *([block.title, *block.lines] for block in blocks)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


@pytest.mark.parametrize("day", [ORDINARY, OUTAGE, SURGE], ids=str)
def test_the_text_of_a_day(context: Context, day: date) -> None:
    path, now = GOLDEN / f"report_{day}.txt", text(view(context, day))
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8"), "ASSAY_UPDATE_GOLDEN=1 writes the text again"


def test_the_numbers_are_those_of_the_query(context: Context) -> None:
    names = [
        name for block in context.catalog.report("daily").spec.blocks if block.type == "cards" for name in block.shown
    ]
    lines = [line for block in view(context, OUTAGE).blocks for line in block.lines][
        : len(names) - 4
    ]  # the last four by source
    for name, line in zip(names, lines, strict=False):
        (now,), (before,) = (query(context, [name], day, day + timedelta(days=1)) for day in (OUTAGE, OUTAGE - WEEK))
        assert (line.value, line.before) == (now.value, before.value)


def test_the_outage_and_the_surge_are_told_and_explained(context: Context) -> None:
    outage, surge, calm = (" ".join(view(context, day).story) for day in (OUTAGE, SURGE, ORDINARY))
    assert "Daily users" in outage
    assert "city Moscow and St Petersburg −100.0 %" in outage
    assert "Messages +1" in surge
    assert calm.startswith("An ordinary day: ")


def test_ordinary_days_are_calm(context: Context) -> None:
    """The rhythm of the messenger is no news; elsewhere at most one number of twenty is, on a day without an event."""
    names = sorted(
        {name for block in context.catalog.report("daily").spec.blocks for name in block.shown} | set(MESSENGER)
    )
    found = series(context, names, date(2025, 7, 6), date(2025, 10, 21))
    days = [day for day in (date(2025, 8, 17) + timedelta(days=at) for at in range(64)) if not planted(day)]
    told = {(name, day) for name in names for day in days if is_news(found[name, ""], day)}
    assert len(told) / (len(names) * len(days)) < 0.05
    assert sum(name in MESSENGER for name, _ in told) / (len(MESSENGER) * len(days)) < 0.02


def is_news(rows: dict[date, object], day: date) -> bool:
    found = news.moved(rows, day, WEEK)  # type: ignore[arg-type]
    return bool(found and found.news)


def planted(day: date) -> bool:
    spans = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in PLANTED]
    return any(first <= each <= last for first, last in spans for each in (day, day - WEEK))
