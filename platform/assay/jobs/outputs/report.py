"""`report`: a message about one local day, compared with an earlier one, from the numbers that `query` gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assay.config.definitions import Definition
from assay.config.report import Block as BlockSpec
from assay.config.report import ReportSpec
from assay.delivery import Block, Message, Receipt, open_channel
from assay.jobs.alerts import sending
from assay.jobs.context import Context
from assay.jobs.queries.query import Row, query
from assay.report.format import change
from assay.report.png import lines_png
from assay.report.report import BlockText, render_report
from assay.report.views import BlockView, LineView, Panel, Point, ReportView

_RHYTHM = 28  # days whose own changes say what is usual
_USUAL = 0.9  # a change within this share of them is no news


@dataclass(frozen=True, slots=True)
class Reported:
    """A report and what became of it."""

    report: str
    day: date
    blocks: tuple[BlockText, ...]
    receipts: tuple[Receipt, ...]

    def as_dict(self) -> dict[str, Any]:
        """The contract of `report send`."""
        blocks = [
            {"title": block.title, "text": "\n".join(block.lines), "chart": bool(block.panels)} for block in self.blocks
        ]
        deliveries = [
            {"channel": r.channel, "recipient": r.recipient, "status": r.status, "message_id": r.reference or None}
            for r in self.receipts
        ]
        return {"schema": 1, "report": self.report, "date": str(self.day), "blocks": blocks, "deliveries": deliveries}


def send(context: Context, name: str, day: date, dry_run: bool = False) -> Reported:
    """Build the report about `day` and send it by its route; a day is sent once.

    With `dry_run` the message is written to `<target>/outbox` and no route hears of it.
    Raises UsageError E201 and DeliveryError.
    """
    definition = context.catalog.report(name)
    title, blocks = render_report(view(context, definition, day))
    message = _message(context, definition, day, title, blocks)
    if dry_run:
        outbox = open_channel("outbox", {"path": context.target / "outbox"})
        return Reported(name, day, blocks, (outbox.send(message),))
    return Reported(name, day, blocks, sending.send(context, [message], context.now))


def _message(
    context: Context, definition: Definition[ReportSpec], day: date, title: str, blocks: Sequence[BlockText]
) -> Message:
    return Message(
        key=f"report:{definition.name}:{day}",
        title=title,
        text=definition.spec.description or "",
        blocks=tuple(_block(definition.name, at, block) for at, block in enumerate(blocks, 1)),
        created=context.now,
        labels={"report": definition.name, "route": definition.spec.route},
    )


def _block(report: str, at: int, block: BlockText) -> Block:
    image = lines_png(block.panels) if block.panels else None
    return Block(block.title, "\n".join(block.lines), image, f"{report}-{at}")


def view(context: Context, definition: Definition[ReportSpec], day: date) -> ReportView:
    """The numbers of a report: the same as `query` gives for the day."""
    spec = definition.spec
    blocks = tuple(_block_view(context, spec, block, day) for block in spec.blocks)
    return ReportView(definition.name, spec.title, day, blocks, day - spec.compare)


def _block_view(context: Context, spec: ReportSpec, block: BlockSpec, day: date) -> BlockView:
    start = day - timedelta(days=max(_RHYTHM, spec.days) + 1) - spec.compare
    rows = query(context, block.metrics, start, day + timedelta(days=1), block.by)
    series: dict[tuple[str, str], dict[date, Row]] = {}
    for row in rows:
        series.setdefault((row.metric, " ".join(row.by.values())), {})[row.time] = row
    lines = tuple(_line(context, spec, day, *name, found) for name, found in series.items())
    whole = {metric: found for (metric, value), found in series.items() if not value}
    panels = tuple(_panel(context, spec, day, *each) for each in whole.items()) if block.chart == "lines" else ()
    return BlockView(block.title, lines, panels[:4])


def _line(context: Context, spec: ReportSpec, day: date, metric: str, value: str, found: dict[date, Row]) -> LineView:
    known = context.catalog.metric(metric)
    label = f"{known.label}, {value}" if value else known.label
    now, before = _value(found, day), _value(found, day - spec.compare)
    usual = _usual(found, day, spec.compare, change(before, now))
    return LineView(label, now, known.spec.format, before, known.spec.good, usual)


def _value(found: dict[date, Row], day: date) -> float | None:
    return found[day].value if day in found else None


def _usual(found: dict[date, Row], day: date, compare: timedelta, share: float | None) -> bool:
    """Whether a change is no larger than most of the metric's own changes over the same distance: no news."""
    days = [day - timedelta(days=back) for back in range(1, _RHYTHM + 1)]
    sizes = [change(_value(found, each - compare), _value(found, each)) for each in days]
    known = sorted(abs(size) for size in sizes if size is not None)
    if share is None or len(known) < _RHYTHM // 2:
        return False
    return abs(share) <= known[int(_USUAL * (len(known) - 1))]


def _panel(context: Context, spec: ReportSpec, day: date, metric: str, found: dict[date, Row]) -> Panel:
    known = context.catalog.metric(metric)
    days = [day - timedelta(days=back) for back in reversed(range(spec.days))]
    current: tuple[Point, ...] = tuple((each, _value(found, each)) for each in days)
    earlier: tuple[Point, ...] = tuple((each, _value(found, each - spec.compare)) for each in days)
    return Panel(known.label, known.spec.format, current, earlier)
