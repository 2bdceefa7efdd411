"""Messages to people: who gets what and when, exactly once.

Message ──route──▶ Letter ──plan──▶ outbox ──batches──▶ Batch ──channel──▶ Receipt
      pure: tree, quiet hours     on disk   pure: groups,    one file in channels/
                                            digests, limits
"""

from __future__ import annotations

from assay.delivery.channels import Channel, Hints, channel_limits, channel_names, open_channel
from assay.delivery.faults import Fault, Later, Moved, Refused, Uncertain
from assay.delivery.ledger import FileLedger, Ledger, MemoryLedger
from assay.delivery.letters import Entry, Letter, Past, Record
from assay.delivery.message import Block, Message, Receipt, mark
from assay.delivery.routes import Escalation, Limit, Quiet, Reached, Route, Silence, reached
from assay.delivery.routing import Decision, route
from assay.delivery.send import Acknowledgements, Channels, Patience, deliver, plan

__all__ = [
    "Acknowledgements", "Block", "Channel", "Channels", "Decision", "Entry", "Escalation", "Fault", "FileLedger",
    "Hints", "Later", "Ledger", "Letter", "Limit", "MemoryLedger", "Message", "Moved", "Past", "Patience", "Quiet",
    "Reached", "Receipt", "Record", "Refused", "Route", "Silence", "Uncertain", "channel_limits", "channel_names",
    "deliver", "mark", "open_channel", "plan", "reached", "route",
]  # fmt: skip
