"""Messages to a chat of Telegram, over python-telegram-bot (the optional extra `telegram`).

Nothing is retried here: the outbox is the only one who knows what was sent before. What went wrong is told to it as
precisely as it can be known: a call that never reached the service, one that it refused, one without an answer.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from assay.delivery.buttons import keyboard
from assay.delivery.channels.registry import NO_HINTS, Channel, Hints, channel
from assay.delivery.faults import Fault, Later, Moved, Refused, Uncertain
from assay.delivery.markup import html, plain
from assay.delivery.message import Message, Receipt
from assay.delivery.pictures import sendable
from assay.delivery.routes import Limit
from assay.delivery.telegram_bot import Bot, album, asked, markup, token
from assay.delivery.telegram_text import ALBUM, Part, parts

SILENT = ("info", "warning")
_ANSWERED = ("fire", "escalation")  # an update is a reply to one of them
_LOG = logging.getLogger("assay.delivery")
_PLAIN = ("can't parse entities", "can't parse message", "can't parse caption")
_PICTURE = ("photo", "image", "wrong file", "wrong type of the web page", "failed to get http url")
_NETWORK = "The service did not answer, or the network is down."


@channel("telegram")
class Telegram(Channel):
    """One chat, or one topic (`thread`) of it.

    `bot` is the token; the variable TELEGRAM_BOT_TOKEN when left out. `silent`: severities that make no sound.
    `mention`: who is called by the others. `buttons`: under what tells of incidents. `timeout` is in seconds.
    """

    limits = (Limit(20, timedelta(minutes=1)),)  # of a group: https://core.telegram.org/bots/faq

    def __init__(
        self,
        chat: str,
        thread: int | None = None,
        bot: str | None = None,
        mention: Sequence[str] = (),
        silent: Sequence[str] = SILENT,
        buttons: bool = False,
        base_url: str = "https://api.telegram.org",
        timeout: float = 20.0,
    ) -> None:
        self._chat, self._thread, self._mention, self._silent = str(chat), thread, mention, silent
        self._buttons = buttons
        self._bot = Bot(token(bot, os.environ), base_url, timeout)

    def send(self, message: Message, hints: Hints = NO_HINTS) -> Receipt:
        self._bot.open()
        chat = hints.moved.get(self._chat, self._chat)
        loud = message.severity not in self._silent
        calls = self._mention if loud and message.kind != "resolve" else ()
        buttons = markup(keyboard(message.incidents)) if self._buttons and message.kind in _ANSWERED else None
        pictures = sendable(block.image for block in message.blocks if block.image)
        arrived = list(hints.parts)
        # an album has no buttons: they stand under the first picture, and the others follow
        for part in parts(message, pictures, calls, 1 if buttons else ALBUM)[len(arrived) :]:
            answered = arrived[0] if arrived else hints.reply_to
            fields = self._fields(chat, answered, loud and not arrived)
            if buttons and not arrived:
                fields["reply_markup"] = buttons
            arrived.append(self._call(chat, part, fields, tuple(arrived)))
        return Receipt("telegram", chat, "sent", arrived[0])

    def close(self) -> None:
        self._bot.close()

    def _fields(self, chat: str, answered: str, loud: bool) -> dict[str, Any]:
        """What all calls of a message have in common."""
        found: dict[str, Any] = {
            "chat_id": int(chat) if chat.lstrip("-").isdigit() else chat,
            "message_thread_id": self._thread,
            "disable_notification": not loud,
        }
        if answered.isdigit():
            from telegram import ReplyParameters

            found["reply_parameters"] = ReplyParameters(int(answered), allow_sending_without_reply=True)
        return found

    def _call(self, chat: str, part: Part, fields: dict[str, Any], arrived: tuple[str, ...]) -> str:
        """The reference of one part. What Telegram cannot parse goes once as plain text, a bad picture is left out."""
        styles = ((part, True), (part, False), (Part(part.runs), True))
        style = 0
        while True:
            sent, marked = styles[style]
            try:
                return self._message(sent, marked, fields)
            except Exception as error:
                style = _other_style(error, part) if style == 0 else 0
                if not style:
                    raise self._fault(error, chat, arrived) from None
                _LOG.warning("Telegram refused a message's form, sent in another one: %s", self._bot.redacted(error))

    def _message(self, part: Part, marked: bool, fields: dict[str, Any]) -> str:
        text, mode = (html(part.runs), "HTML") if marked else (plain(part.runs), None)
        match part.pictures:
            case ():
                sent = self._bot.call("send_message", text=text, parse_mode=mode, **fields)
            case (picture,):
                sent = self._bot.call("send_photo", photo=picture, caption=text, parse_mode=mode, **fields)
            case pictures:
                media = album(pictures)
                sent, *_ = self._bot.call("send_media_group", media=media, caption=text, parse_mode=mode, **fields)
        return str(sent.message_id)

    def _fault(self, error: Exception, chat: str, arrived: tuple[str, ...]) -> Exception:
        """What the outbox may do about an error of the library; anything else is a bug of ours, as it is."""
        from telegram.error import ChatMigrated, RetryAfter, TelegramError

        if not isinstance(error, TelegramError):
            return error
        kind, why, fix = _meaning(error)
        fault = kind.told(f"Telegram, chat {chat}: {self._bot.redacted(error)}.", why, fix, arrived)
        if isinstance(fault, Moved) and isinstance(error, ChatMigrated):
            fault.old, fault.new = self._chat, str(error.new_chat_id)
        if isinstance(fault, Later):
            fault.after = asked(error) if isinstance(error, RetryAfter) else None
            fault.everybody = isinstance(error, RetryAfter) or _never_left(error)
        return fault


def _other_style(error: Exception, part: Part) -> int:
    """Which other form may be accepted: 1 as plain text, 2 without the picture, 0 none."""
    from telegram.error import BadRequest

    told = str(error).lower() if isinstance(error, BadRequest) else ""
    if any(each in told for each in _PLAIN):
        return 1
    return 2 if part.pictures and any(each in told for each in _PICTURE) else 0


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
