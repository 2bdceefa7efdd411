"""Messages to any of the services that Apprise knows: https://appriseit.com/services (the optional extra `apprise`)."""

from __future__ import annotations

from typing import Any

from assay.delivery.channels.registry import NO_HINTS, Channel, Hints, channel, missing_extra
from assay.delivery.faults import Refused, Uncertain
from assay.delivery.message import Message, Receipt
from assay.delivery.render import as_text
from assay.errors import DeliveryError

_TYPES = {"critical": "failure", "warning": "warning", "info": "info"}


@channel("apprise")
class AppriseChannel(Channel):
    """One service, by its address such as `slack://…` or `json://host/path`; text only.

    Apprise does not say why a service did not take a message, so a failure may have arrived: a critical is repeated
    once and marked, others are not.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message, hints: Hints = NO_HINTS) -> Receipt:  # noqa: ARG002 - the port
        service, text = self._service(), as_text(message, [None] * len(message.blocks))
        kind = "success" if message.kind == "resolve" else _TYPES[message.severity]
        body = text.removeprefix(message.title).strip() or message.title
        if not service.notify(body=body, title=message.title, notify_type=kind, body_format="text"):
            raise Uncertain.told(
                f"The service {self._scheme} did not take the message '{message.key}'.",
                "Apprise does not say why: the network, the service, or its address.",
                "Send something with the command `apprise -vv` to see the answer.",
            )
        return Receipt("apprise", self._scheme, "sent", message.key)

    def close(self) -> None:
        """Apprise keeps no connection."""

    @property
    def _scheme(self) -> str:
        """The only part of the address without secrets."""
        return f"{self._url.partition('://')[0]}://…"

    def _service(self) -> Any:
        try:
            from apprise import Apprise
        except ImportError as cause:
            raise missing_extra("apprise", "apprise") from cause
        found = Apprise()
        if not found.add(self._url):
            raise self._unknown()
        return found

    def _unknown(self) -> DeliveryError:
        return Refused.told(
            f"Apprise does not understand the address {self._scheme}",
            "Each service has its own form of address.",
            "Compare it with https://appriseit.com/services.",
        )
