"""`report`: a message about one local day, compared with an earlier one, from the numbers that `query` gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from assay.config.definitions import Definition
from assay.config.report import ReportSpec
from assay.delivery import Block, Message, Receipt, open_channel
from assay.jobs.alerts import sending
from assay.jobs.context import Context
from assay.jobs.outputs.blocks import Setting, gather
from assay.jobs.outputs.story import story
from assay.jobs.storage import pauses
from assay.report.png import figure_png
from assay.report.report import BlockText, render_report
from assay.report.views import ReportView


@dataclass(frozen=True, slots=True)
class Reported:
    """A report and what became of it; `story` are its first sentences."""

    report: str
    day: date
    title: str
    story: tuple[str, ...]
    blocks: tuple[BlockText, ...]
    receipts: tuple[Receipt, ...]

    def as_dict(self) -> dict[str, Any]:
        """The contract of `report send`."""
        first = {"title": self.title, "text": "\n".join(self.story), "chart": False}
        others = [
            {"title": block.title, "text": "\n".join(block.lines), "chart": block.figure is not None}
            for block in self.blocks
        ]
        deliveries = [
            {"channel": r.channel, "recipient": r.recipient, "status": r.status, "message_id": r.reference or None}
            for r in self.receipts
        ]
        return {
            "schema": 1,
            "report": self.report,
            "date": str(self.day),
            "blocks": [first, *others],
            "deliveries": deliveries,
        }


def send(context: Context, name: str, day: date, dry_run: bool = False) -> Reported:
    """Build the report about `day` and send it by its route; a day is sent once.

    With `dry_run` the message is written to `<target>/outbox` and no route hears of it.
    Raises UsageError E201 and DeliveryError.
    """
    definition = context.catalog.report(name)
    pauses.refuse(context)
    seen = view(context, definition, day)
    title, blocks = render_report(seen)
    message = _message(context, definition, seen, title, blocks)
    if dry_run:
        outbox = open_channel("outbox", {"path": context.target / "outbox"})
        return Reported(name, day, title, seen.story, blocks, (outbox.send(message),))
    return Reported(name, day, title, seen.story, blocks, sending.send(context, [message], context.now))


def _message(
    context: Context, definition: Definition[ReportSpec], seen: ReportView, title: str, blocks: Sequence[BlockText]
) -> Message:
    return Message(
        key=f"report:{definition.name}:{seen.day}",
        title=title,
        text="\n".join(seen.story),
        blocks=tuple(_block(definition.name, at, block) for at, block in enumerate(blocks, 1)),
        created=context.now,
        labels={"report": definition.name, "route": definition.spec.route},
    )


def _block(report: str, at: int, block: BlockText) -> Block:
    image = figure_png(block.figure) if block.figure else None
    return Block(block.title, "\n".join(block.lines), image, f"{report}-{at}")


def view(context: Context, definition: Definition[ReportSpec], day: date) -> ReportView:
    """The numbers of a report: the same as `query` gives for the day."""
    spec = definition.spec
    setting = Setting(day, spec.compare, spec.days)
    blocks = tuple(gather(context, block, setting) for block in spec.blocks)
    return ReportView(definition.name, spec.title, day, blocks, setting.versus, story(context, spec, setting))
