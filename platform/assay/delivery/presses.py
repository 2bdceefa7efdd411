"""Buttons that people press in Telegram, by long polling: https://core.telegram.org/bots/api#getupdates.

A press is handed out again until the next call of `wait` confirms it, so that a crash in between loses none.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import ceil
from typing import Any

from assay.delivery.buttons import Button, Keyboard
from assay.delivery.faults import Fault, Later, Refused
from assay.delivery.telegram_bot import Bot, asked, markup

_LOG = logging.getLogger("assay.delivery")
_TEXT = 200  # characters of an answer: https://core.telegram.org/bots/api#answercallbackquery


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed what, where. `chats`: the number of the chat, and its @name if it has one. `rows`: all buttons of
    the message. The same `id` is the same press."""

    id: str
    who: str
    data: str
    chats: tuple[str, ...] = ()
    message: int = 0
    rows: Keyboard = ()


class Presses:
    """The presses that one bot is told of; nobody else may poll for the same bot at the same time."""

    def __init__(self, bot: Bot) -> None:
        self._bot, self._next = bot, 0

    def wait(self, seconds: float) -> tuple[Press, ...]:
        """What was pressed, at once if there is something, else after at most `seconds`, rounded up; confirms the last.

        Raises Later for a network or a service that fails, Refused for a token or a second listener, which only a
        person can put right.
        """
        self._bot.open()
        from telegram.error import TelegramError

        fields = {"offset": self._next, "timeout": ceil(seconds), "allowed_updates": ["callback_query"]}
        try:
            updates = self._bot.call("get_updates", **fields)
        except TelegramError as error:
            raise _fault(self._bot, error) from None
        self._next = max([self._next, *(each.update_id + 1 for each in updates)])
        return tuple(_press(each.callback_query) for each in updates if each.callback_query)

    def answer(self, press: Press, text: str, alert: bool = False) -> None:
        """Tell whoever pressed; lost if the service fails or they have waited too long."""
        self._try("answer_callback_query", callback_query_id=press.id, text=text[:_TEXT], show_alert=alert)

    def edit(self, press: Press, rows: Keyboard) -> None:
        """Other buttons under the message; lost if the service fails or the message is gone."""
        if press.rows:
            where = {"chat_id": press.chats[0], "message_id": press.message}
            self._try("edit_message_reply_markup", reply_markup=markup(rows), **where)

    def close(self) -> None:
        self._bot.close()

    def _try(self, method: str, **fields: Any) -> None:
        from telegram.error import TelegramError

        try:
            self._bot.call(method, **fields)
        except TelegramError as error:
            _LOG.warning("Telegram did not take %s: %s", method, self._bot.redacted(error))


def _press(query: Any) -> Press:
    """A message that is too old to be shown has no buttons and no text; its chat is known."""
    user, message = query.from_user, query.message
    who = f"{user.full_name} (@{user.username})" if user.username else user.full_name
    if message is None:
        return Press(query.id, who, query.data or "")
    shown = getattr(message, "reply_markup", None)
    rows = shown.inline_keyboard if shown else ()
    keyboard = tuple(tuple(Button(each.text, str(each.callback_data or "-")) for each in row) for row in rows)
    name = (f"@{message.chat.username}",) if message.chat.username else ()
    return Press(query.id, who, query.data or "", (str(message.chat.id), *name), message.message_id, keyboard)


def _fault(bot: Bot, error: Exception) -> Fault:
    """What to do about an error of the library."""
    from telegram.error import BadRequest, Conflict, InvalidToken, NetworkError, RetryAfter

    told = f"Telegram: {bot.redacted(error)}."
    match error:
        case Conflict():
            return _conflict()
        case InvalidToken():
            why, fix = "Telegram does not know this token.", "Take the token from @BotFather and set it anew."
            return Refused.told("Telegram refused the bot's token.", why, fix)
        case RetryAfter():
            fault = Later.told(told, "The bot asked more often than Telegram allows.", "Nothing: it is asked later.")
            fault.after = asked(error)
            return fault
        case NetworkError() if not isinstance(error, BadRequest):
            return Later.told(
                told, "The service did not answer, or the network is down.", "Nothing: it is asked again."
            )
    return Refused.told(told, "The answer is no list of what was pressed.", "Check the route's `base_url`.")


def _conflict() -> Fault:
    return Refused.told(
        "Another program is listening for the same bot.",
        "Telegram hands each press to one listener: a second one, or a webhook, takes presses away from the first.",
        "End the other 'platform alert listen', or delete the bot's webhook; one listener a bot is enough.",
    )
