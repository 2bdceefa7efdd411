"""A bot of python-telegram-bot (the optional extra `telegram`) as plain calls, and its token, which no log may show."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from assay.delivery.buttons import Keyboard
from assay.delivery.channels.registry import missing_extra
from assay.delivery.faults import SECOND
from assay.errors import UsageError

TOKEN = "TELEGRAM_BOT_TOKEN"  # noqa: S105 - the name of a variable
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "telegram.Bot", "telegram.request.BaseRequest")


def token(bot: str | None, environ: Mapping[str, str]) -> str:
    """A route's own token, else that of the environment. Raises UsageError E702."""
    return bot or environ.get(TOKEN) or _no_token()


def _no_token() -> str:
    raise UsageError.of(
        "E702",
        f"The environment variable {TOKEN} is not set.",
        why="A bot is known by its token, which must not stand in a file.",
        fix=f"Set it before the command: export {TOKEN}=…, or name another variable in the route: bot: ${{NAME}}",
    )


class Bot:
    """Open from its first call until `close`, on one event loop. `timeout` is in seconds."""

    def __init__(self, token: str, base_url: str, timeout: float = 20.0) -> None:
        self._token, self._base_url, self._timeout = token, base_url.rstrip("/"), timeout
        self._bot: Any = None
        self._runner: asyncio.Runner | None = None
        self._request: Any = None

    def open(self) -> None:
        """Make ready for calls; a second time, nothing. Raises DeliveryError E701 without the library."""
        if self._bot is not None:
            return
        try:
            from telegram import Bot as Library
            from telegram.request import HTTPXRequest
        except ImportError as cause:
            raise missing_extra("telegram", "python-telegram-bot") from cause
        _keep_out_of_logs(self._token)
        times = dict.fromkeys(("read_timeout", "write_timeout", "connect_timeout"), self._timeout)
        self._runner = asyncio.Runner()
        self._request = HTTPXRequest(1, **times, media_write_timeout=self._timeout)  # type: ignore[arg-type]
        both = {"request": self._request, "get_updates_request": self._request}
        self._bot = Library(self._token, base_url=f"{self._base_url}/bot", **both)

    def call(self, method: str, **fields: Any) -> Any:
        """One method of the library's bot, such as `send_message`. Raises its TelegramError."""
        self.open()
        assert self._runner is not None
        with quietly():
            return self._runner.run(getattr(self._bot, method)(**fields))

    def close(self) -> None:
        if self._runner:
            self._runner.run(self._request.shutdown())
            self._runner.close()
        self._runner = self._bot = self._request = None

    def redacted(self, value: object) -> str:
        """As text, without the token."""
        return str(value).replace(self._token, "…")


def markup(rows: Keyboard) -> Any:
    """Buttons as the library wants them; None for no buttons."""
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    buttons = [[InlineKeyboardButton(each.text, callback_data=each.data) for each in row] for row in rows]
    return InlineKeyboardMarkup(buttons) if buttons else None


def album(pictures: Iterable[bytes]) -> list[Any]:
    """Pictures as the library wants them."""
    from telegram import InputMediaPhoto

    return [InputMediaPhoto(each) for each in pictures]


def asked(error: Any) -> timedelta:
    """How long the service wants to be left alone, of the library's RetryAfter."""
    with quietly():
        value = error.retry_after
    return value if isinstance(value, timedelta) else value * SECOND


@contextmanager
def quietly() -> Iterator[None]:
    """The library warns that a number of seconds will become a timedelta; both are understood here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Redact(logging.Filter):
    """Addresses of the Bot API hold the token, and the HTTP library logs addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        for each in self.tokens:
            text = text.replace(each, "…")
        record.msg, record.args = text, ()
        return True


_REDACT = _Redact()


def _keep_out_of_logs(token: str) -> None:
    _REDACT.tokens.add(token)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_REDACT)  # added once, however often it is asked for
