"""Messages to a chat of Telegram, over python-telegram-bot (the optional extra `telegram`).

Nothing is retried here: the outbox is the only one who knows what was sent before. What went wrong is told to it as
precisely as it can be known: a call that never reached the service, one that it refused, one without an answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from assay.delivery.channels.registry import NO_HINTS, Channel, Hints, channel, missing_extra
from assay.delivery.collage import collage
from assay.delivery.faults import SECOND, Fault, Later, Moved, Refused, Uncertain
from assay.delivery.markup import html, plain
from assay.delivery.message import Message, Receipt
from assay.delivery.routes import Limit
from assay.delivery.telegram_text import Part, parts
from assay.errors import UsageError

TOKEN = "TELEGRAM_BOT_TOKEN"  # noqa: S105 - the name of a variable
SILENT = ("info", "warning")
_LOG = logging.getLogger("assay.delivery")
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "telegram.Bot", "telegram.request.BaseRequest")
_PLAIN = ("can't parse entities", "can't parse message", "can't parse caption")
_PICTURE = ("photo", "image", "wrong file", "wrong type of the web page", "failed to get http url")
_NETWORK = "The service did not answer, or the network is down."


@channel("telegram")
class Telegram(Channel):
    """One chat, or one topic (`thread`) of it.

    `bot` is the token; the variable TELEGRAM_BOT_TOKEN when left out. `silent`: severities that make no sound.
    `mention`: who is called by the others. `timeout` is in seconds.
    """

    limits = (Limit(20, timedelta(minutes=1)),)  # of a group: https://core.telegram.org/bots/faq

    def __init__(
        self,
        chat: str,
        thread: int | None = None,
        bot: str | None = None,
        mention: Sequence[str] = (),
        silent: Sequence[str] = SILENT,
        base_url: str = "https://api.telegram.org",
        timeout: float = 20.0,
    ) -> None:
        self._chat, self._thread, self._mention, self._silent = str(chat), thread, mention, silent
        self._base_url, self._timeout = base_url.rstrip("/"), timeout
        self._token = bot or os.environ.get(TOKEN) or _no_token()
        self._bot: Any = None
        self._runner: asyncio.Runner | None = None
        self._request: Any = None

    def send(self, message: Message, hints: Hints = NO_HINTS) -> Receipt:
        chat = hints.moved.get(self._chat, self._chat)
        loud = message.severity not in self._silent
        calls = self._mention if loud and message.kind != "resolve" else ()
        pictures = [block.image for block in message.blocks if block.image]
        arrived = list(hints.parts)
        for part in parts(message, collage(pictures) if pictures else None, calls)[len(arrived) :]:
            answered = arrived[0] if arrived else hints.reply_to
            arrived.append(self._call(chat, part, answered, loud and not arrived, tuple(arrived)))
        return Receipt("telegram", chat, "sent", arrived[0])

    def close(self) -> None:
        if self._runner:
            self._runner.run(self._request.shutdown())
            self._runner.close()
        self._runner = self._bot = self._request = None

    def _call(self, chat: str, part: Part, answered: str, loud: bool, arrived: tuple[str, ...]) -> str:
        """The reference of one part. What Telegram cannot parse goes once as plain text, a bad picture is left out."""
        from telegram.error import BadRequest

        styles = ((part, True), (part, False), (Part(part.runs), True))
        style = 0
        while True:
            sent, marked = styles[style]
            try:
                return self._run(self._message(chat, sent, marked, answered, loud))
            except BadRequest as error:
                style = _other_style(error, part) if style == 0 else 0
                if not style:
                    raise self._fault(error, chat, arrived) from None
                _LOG.warning("Telegram refused a message's form, sent in another one: %s", self._redacted(error))
            except Exception as error:
                raise self._fault(error, chat, arrived) from None

    def _run(self, call: Coroutine[Any, Any, Any]) -> str:
        assert self._runner is not None
        with _quietly():
            return str(self._runner.run(call).message_id)

    def _message(self, chat: str, part: Part, marked: bool, answered: str, loud: bool) -> Coroutine[Any, Any, Any]:
        bot = self._opened()
        from telegram import ReplyParameters

        common: dict[str, Any] = {
            "chat_id": int(chat) if chat.lstrip("-").isdigit() else chat,
            "message_thread_id": self._thread,
            "disable_notification": not loud,
            "parse_mode": "HTML" if marked else None,
        }
        if answered.isdigit():
            common["reply_parameters"] = ReplyParameters(int(answered), allow_sending_without_reply=True)
        text = html(part.runs) if marked else plain(part.runs)
        if part.picture:
            return bot.send_photo(photo=part.picture, caption=text, **common)  # type: ignore[no-any-return]
        return bot.send_message(text=text, **common)  # type: ignore[no-any-return]

    def _opened(self) -> Any:
        """The bot, on one event loop until `close`."""
        if self._bot is None:
            try:
                from telegram import Bot
                from telegram.request import HTTPXRequest
            except ImportError as cause:
                raise missing_extra("telegram", "python-telegram-bot") from cause
            _keep_out_of_logs(self._token)
            times = dict.fromkeys(("read_timeout", "write_timeout", "connect_timeout"), self._timeout)
            self._runner = asyncio.Runner()
            self._request = HTTPXRequest(1, **times, media_write_timeout=self._timeout)  # type: ignore[arg-type]
            self._bot = Bot(
                self._token,
                base_url=f"{self._base_url}/bot",
                request=self._request,
                get_updates_request=self._request,
            )
        return self._bot

    def _redacted(self, value: object) -> str:
        return str(value).replace(self._token, "…")

    def _fault(self, error: Exception, chat: str, arrived: tuple[str, ...]) -> Exception:
        """What the outbox may do about an error of the library; anything else is a bug of ours, as it is."""
        from telegram.error import ChatMigrated, RetryAfter, TelegramError

        if not isinstance(error, TelegramError):
            return error
        kind, why, fix = _meaning(error)
        fault = kind.told(f"Telegram, chat {chat}: {self._redacted(error)}.", why, fix, arrived)
        if isinstance(fault, Moved) and isinstance(error, ChatMigrated):
            fault.old, fault.new = self._chat, str(error.new_chat_id)
        if isinstance(fault, Later):
            fault.after = _asked(error) if isinstance(error, RetryAfter) else None
            fault.everybody = isinstance(error, RetryAfter) or _never_left(error)
        return fault


def _no_token() -> str:
    raise UsageError.of(
        "E702",
        f"The environment variable {TOKEN} is not set.",
        why="A bot is known by its token, which must not stand in a file.",
        fix=f"Set it before the command: export {TOKEN}=…, or name another variable in the route: bot: ${{NAME}}",
    )


def _other_style(error: Exception, part: Part) -> int:
    """Which other form may be accepted: 1 as plain text, 2 without the picture, 0 none."""
    told = str(error).lower()
    if any(each in told for each in _PLAIN):
        return 1
    return 2 if part.picture and any(each in told for each in _PICTURE) else 0


def _meaning(error: Exception) -> tuple[type[Fault], str, str]:
    """The kind of fault, why it is one, and what to do."""
    from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter

    match error:
        case ChatMigrated():
            return Moved, "The group became a supergroup.", "Write its new number into the route."
        case RetryAfter():
            return Later, "The chat or the bot has sent more than Telegram allows.", "Nothing: it is sent later."
        case Forbidden():
            return Refused, "The bot was removed, or may not write there.", "Invite the bot to the chat again."
        case InvalidToken():
            return Refused, "Telegram does not know this token.", "Take the token from @BotFather and set it anew."
        case BadRequest():
            return Refused, "Telegram does not accept this chat or this message.", "Check the chat and the thread."
        case NetworkError() if _left(error):
            return Uncertain, "The message left, and no answer came.", "Look into the chat."
        case NetworkError():
            return Later, _NETWORK, "Nothing: it is sent later. Check the network if this lasts."
    return Uncertain, "Telegram gave an answer that means nothing known.", "Look into the chat."


def _never_left(error: Exception) -> bool:
    """Whether the connection was not even made."""
    import httpx  # it comes with python-telegram-bot

    unmade = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
    return isinstance(error.__cause__, unmade)


def _left(error: Exception) -> bool:
    """Whether something was sent, and the connection broke before an answer. An answer 5xx is an answer."""
    import httpx

    return isinstance(error.__cause__, httpx.HTTPError) and not _never_left(error)


def _asked(error: Any) -> timedelta:
    """How long the service wants to be left alone."""
    with _quietly():
        value = error.retry_after
    return value if isinstance(value, timedelta) else value * SECOND


@contextmanager
def _quietly() -> Iterator[None]:
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
        for token in self.tokens:
            text = text.replace(token, "…")
        record.msg, record.args = text, ()
        return True


_REDACT = _Redact()


def _keep_out_of_logs(token: str) -> None:
    _REDACT.tokens.add(token)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_REDACT)  # added once, however often it is asked for
