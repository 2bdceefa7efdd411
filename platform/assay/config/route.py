"""`routes`: where messages go, which of them, and when they wait."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from assay.config.base import (
    Described,
    Duration,
    FieldError,
    Flag,
    Hours,
    Integer,
    Match,
    Name,
    Severity,
    Spec,
    Value,
)

_LIMIT = re.compile(r"(\d+)/(m|h|d)")
_PER = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def parse_limit(value: Any) -> tuple[int, timedelta]:
    """`20/h` as (20, one hour); FieldError otherwise."""
    found = _LIMIT.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise FieldError("a limit is a number of messages per minute, hour or day: 20/h", "20/h")
    return int(found[1]), _PER[found[2]]


def _show_limit(limit: tuple[int, timedelta]) -> str:
    return f"{limit[0]}/{next(unit for unit, per in _PER.items() if per == limit[1])}"


Limit = Annotated[
    tuple[int, timedelta],
    BeforeValidator(parse_limit),
    PlainSerializer(_show_limit),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+/[mhd]$"}),
]


class Outbox(Spec):
    """Messages as files: text, HTML and pictures."""

    path: str = Field("target/outbox", description="A folder, from the project's root.")


class Stdout(Spec):
    """Messages as text on the standard output."""


class Telegram(Spec):
    """A chat of Telegram, or one topic of it."""

    chat: Value = Field(description="The chat's number or @name; best a reference: ${FEED_CHAT}.")
    thread: Integer | None = Field(None, description="The topic of a forum.")
    bot: str | None = Field(None, description="The token, as a reference: ${NAME}; TELEGRAM_BOT_TOKEN when left out.")
    mention: tuple[str, ...] = Field((), description="Whom messages with a sound call: @name.")
    silent: tuple[Severity, ...] = Field(("info", "warning"), description="Severities that make no sound.")
    buttons: Flag = Field(
        False, description="Acknowledge, snooze and judge under alerts; needs `platform alert listen`."
    )
    base_url: str = Field("https://api.telegram.org", description="The Bot API; another one for a server of your own.")


class Apprise(Spec):
    """Any service that Apprise knows; text only."""

    url: str = Field(min_length=1, description="Its address, best a reference: ${NAME}.")


class Escalate(Spec):
    """Tell somebody else when nobody has acknowledged it."""

    after: Duration
    to: Name = Field(description="A route.")


class RouteSpec(Described):
    """A channel, children, or both; with grouping and patience."""

    model_config = ConfigDict(serialize_by_alias=True)  # `continue` is a word of Python's own
    outbox: Outbox | None = None
    stdout: Stdout | None = None
    telegram: Telegram | None = None
    apprise: Apprise | None = None
    match: Match = Field({}, description="Labels that let a message in: a value, a list, or !value.")
    routes: tuple[Name, ...] = Field((), description="Children, asked in this order; the first that matches takes it.")
    goes_on: Flag = Field(False, alias="continue", description="The route above asks its next child too.")
    group_by: tuple[Name, ...] = Field((), description="Labels whose equal values share one message.")
    repeat: Duration | None = Field(None, description="Say it again after this long while it lasts.")
    quiet: Hours | None = Field(None, description="Only criticals pass in these hours; the rest comes as a digest.")
    limit: Limit | None = Field(None, description="`20/h`: more than that comes as one digest; criticals always come.")
    escalate: Escalate | None = Field(None, description="When an alert is not acknowledged.")
    fallback: Name | None = Field(None, description="The route for what the channel refuses.")

    def model_post_init(self, _context: Any) -> None:
        if len(self.channels) > 1 or not (self.channels or self.routes):
            names = ", ".join(_CHANNELS[:-1])
            raise FieldError(f"a route needs exactly one channel: {names} or {_CHANNELS[-1]}", "stdout: {}")

    @property
    def channels(self) -> dict[str, Spec]:
        """The channel that is set, by name; none for a route that only hands on to its children."""
        found = {name: getattr(self, name) for name in _CHANNELS}
        return {name: spec for name, spec in found.items() if spec is not None}


_CHANNELS = ("outbox", "stdout", "telegram", "apprise")
