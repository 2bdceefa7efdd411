"""The port of a channel and the table of its implementations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from assay.delivery.message import Message, Receipt
from assay.delivery.routes import Limit
from assay.errors import DeliveryError, did_you_mean


@dataclass(frozen=True, slots=True)
class Hints:
    """What the outbox knows and a channel may use.

    `reply_to`: the reference of the message that this one answers; `parts`: references of its parts that have arrived;
    `moved`: recipients that have a new address.
    """

    reply_to: str = ""
    parts: tuple[str, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)


NO_HINTS = Hints()


class Channel(Protocol):
    """Takes a message to people."""

    # Whether the same message sent twice arrives once, so that an interrupted send may simply be repeated.
    idempotent: ClassVar[bool] = False
    # What the service itself allows to one recipient.
    limits: ClassVar[tuple[Limit, ...]] = ()

    def send(self, message: Message, hints: Hints = NO_HINTS) -> Receipt:
        """Hand the message over. Raises DeliveryError (E701), as precise a `Fault` as the channel can tell."""

    def close(self) -> None:
        """Give back what `send` needed."""


Factory = TypeVar("Factory", bound=Callable[..., Channel])
_CHANNELS: dict[str, Callable[..., Channel]] = {}


def channel(name: str) -> Callable[[Factory], Factory]:
    """Register a class whose keywords are the options of a route."""

    def register(factory: Factory) -> Factory:
        _CHANNELS[name] = factory
        return factory

    return register


def channel_names() -> tuple[str, ...]:
    return tuple(sorted(_CHANNELS))


def channel_limits(name: str) -> tuple[Limit, ...]:
    """What the service behind a channel allows; nothing is known of an unknown channel."""
    return getattr(_CHANNELS.get(name), "limits", ())


def open_channel(name: str, options: Mapping[str, Any]) -> Channel:
    """A channel by name, with a route's options. Raises DeliveryError (E701) for an unknown name."""
    if name not in _CHANNELS:
        raise DeliveryError.of(
            "E701",
            f"There is no channel '{name}'.{did_you_mean(name, _CHANNELS)}",
            why="A channel is a class in assay/delivery/channels, named by the route's key.",
            fix=f"Use one of: {', '.join(channel_names())}.",
        )
    return _CHANNELS[name](**options)


def missing_extra(name: str, package: str) -> DeliveryError:
    """The error of a channel whose optional dependency is not installed."""
    return DeliveryError.of(
        "E701",
        f"The channel '{name}' needs {package}, which is not installed.",
        why="Channels to services are optional parts of Assay.",
        fix=f"Install it: pip install 'assay-platform[{name}]'",
    )
