"""Messages to people: who gets what and when, exactly once.

Message ──route──▶ Delivery ──channel──▶ Receipt ──▶ ledger
        pure: routes, clock, earlier sends    one file in channels/
"""

from __future__ import annotations

from assay.delivery.channels import Channel, channel_names, open_channel
from assay.delivery.ledger import Entry, FileLedger, Ledger, MemoryLedger
from assay.delivery.message import Block, Message, Receipt
from assay.delivery.routing import Delivery, Quiet, Route, route
from assay.delivery.send import deliver, open_channels

__all__ = [
    "Block", "Channel", "Delivery", "Entry", "FileLedger", "Ledger", "MemoryLedger", "Message", "Quiet", "Receipt",
    "Route", "channel_names", "deliver", "open_channel", "open_channels", "route",
]  # fmt: skip
