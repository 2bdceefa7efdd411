"""Messages on the standard output, for a first look and for logs."""

from __future__ import annotations

import sys
from typing import TextIO

from assay.delivery.channels.registry import NO_HINTS, Channel, Hints, channel
from assay.delivery.message import Message, Receipt
from assay.delivery.render import as_text
from assay.errors import DeliveryError


@channel("stdout")
class Stdout(Channel):
    """Plain text; pictures are only named. `stream` is the standard output of the moment when left out."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def send(self, message: Message, hints: Hints = NO_HINTS) -> Receipt:  # noqa: ARG002 - the port
        names = [block.image_name if block.image else None for block in message.blocks]
        stream = self._stream or sys.stdout
        try:
            stream.write(as_text(message, names) + "\n")
            stream.flush()
        except (OSError, ValueError) as cause:
            raise DeliveryError.of(
                "E701",
                f"The message '{message.key}' cannot be written to the standard output: {cause}.",
                why="The output is closed, or its encoding lacks a character of the text.",
                fix="Keep the reader open and use UTF-8 (PYTHONUTF8=1), or send this route to an outbox.",
            ) from cause
        return Receipt("stdout", "stdout", "sent", message.key)
