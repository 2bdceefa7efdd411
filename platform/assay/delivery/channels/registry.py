"""The port of a channel and the table of its implementations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from assay.delivery.message import Message, Receipt
from assay.errors import DeliveryError, did_you_mean


class Channel(Protocol):
    """Takes a message to people."""

    def send(self, message: Message) -> Receipt:
        """Hand the message over. Raises DeliveryError (E701) if that is impossible."""


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
