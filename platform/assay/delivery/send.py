"""Route, send and record: every message ends as a receipt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from assay.delivery.channels import Channel, open_channel
from assay.delivery.ledger import Entry, Ledger
from assay.delivery.message import Message, Receipt
from assay.delivery.routing import Delivery, Route, ledger_key, route
from assay.errors import DeliveryError


def open_channels(routes: Mapping[str, Route]) -> dict[str, Channel]:
    """A channel for each route, by the route's name. Raises DeliveryError (E701) for an unknown channel."""
    return {name: open_channel(each.channel, each.options) for name, each in routes.items()}


def deliver(
    messages: Iterable[Message],
    routes: Mapping[str, Route],
    channels: Mapping[str, Channel],
    ledger: Ledger,
    clock: datetime,
) -> tuple[Receipt, ...]:
    """Send what is due, one receipt for every delivery and every message held back.

    `channels` are keyed by the route's name. A failed send does not stop the others and is tried again on the next
    call, as is one that a crash interrupted: after the send, before the ledger heard of it. Raises DeliveryError
    (E701) only for a ledger that cannot be used.
    """
    messages = tuple(messages)
    past = {key: ledger.sent_at(key) for key in map(ledger_key, messages)}
    sent = {key: at for key, at in past.items() if at is not None}
    return tuple(_carry_out(each, routes, channels, ledger, clock) for each in route(messages, routes, clock, sent))


def _carry_out(
    delivery: Delivery,
    routes: Mapping[str, Route],
    channels: Mapping[str, Channel],
    ledger: Ledger,
    clock: datetime,
) -> Receipt:
    name = delivery.route
    if delivery.action != "send":
        channel = routes[name].channel if name in routes else ""
        held = Receipt(channel, name, "skipped", detail=f"{delivery.message.key}: {delivery.reason}")
        return held if delivery.action == "skip" else replace(held, status="failed")
    ledger.record(Entry(delivery.members, "sending", clock))
    try:
        receipt = channels[name].send(delivery.message)
    except DeliveryError as error:
        receipt = Receipt(routes[name].channel, name, "failed", detail=f"{delivery.message.key}: {error}")
    state: Literal["sent", "failed"] = "failed" if receipt.status == "failed" else "sent"
    ledger.record(Entry(delivery.members, state, clock, receipt.reference))
    return receipt
