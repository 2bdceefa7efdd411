"""Why a channel did not hand a message over, and what may be done about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from assay.errors import DeliveryError

SECOND = timedelta(seconds=1)


class Fault(DeliveryError):
    """`parts` are the references of those parts of a long message that have arrived; the rest has not."""

    parts: tuple[str, ...] = ()

    @classmethod
    def told(cls, message: str, why: str, fix: str, parts: tuple[str, ...] = ()) -> Self:
        """The fault as an error E701 of four parts."""
        fault = cls.of("E701", message, why=why, fix=fix)
        fault.parts = parts
        return fault


class Later(Fault):
    """Not accepted, and worth another attempt. `after` is what the service asks for; None leaves it to the outbox.

    `everybody`: whatever goes to the same recipient must wait too.
    """

    after: timedelta | None = None
    everybody = False


class Uncertain(Fault):
    """It left, and no answer came: nobody knows whether it has arrived."""


class Refused(Fault):
    """Not accepted, and the same attempt would fail again."""


class Moved(Fault):
    """Not accepted: the recipient `old` is `new` from now on."""

    old = ""
    new = ""
