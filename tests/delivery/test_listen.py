"""Buttons under messages, and `alert listen`: against a Bot API on loopback, and a real warehouse."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

pytest.importorskip("telegram")

from assay.compiler import zone
from assay.delivery import Message, Refused
from assay.delivery.batches import merge
from assay.delivery.buttons import answered, keyboard, parse
from assay.delivery.channels.telegram import Telegram
from assay.delivery.presses import Presses
from assay.delivery.telegram_bot import Bot
from assay.errors import DeliveryError, EngineBusy, UsageError
from assay.jobs.alerts import alerting, incidents, listening, quiet, sending
from assay.jobs.context import Context

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FIRST = date(2025, 2, 10)
NOW = datetime(2025, 3, 20, 12, tzinfo=UTC)
TOKEN = "12345:secret-token"
ENVIRON = {"BOT": TOKEN, "CHAT": "-100"}
FILES = {
    "metrics/all.yaml": """
sources: {app: {table: RAW.events, time: at, entities: {user: user_id}}}
metrics: {events: {type: count, source: app}}
""",
    "alerts/all.yaml": """
alerts: {quick: {metrics: [events], every: 1h, severity: critical, route: chat}}
routes: {chat: {telegram: {chat: "${CHAT}", bot: "${BOT}", buttons: true, base_url: "URL"}, repeat: 2h}}
""",
}
# 96 events an hour, and none in the hours around NOW.
EVENTS = f"""INSERT INTO RAW.events SELECT * FROM (
SELECT toDateTime({zone.epoch(zone.midnight(FIRST, "UTC"))} + intDiv(number * 75, 2), 'UTC') AS at, number % 48
FROM numbers(40 * 24 * 96)) WHERE at < {zone.epoch(NOW - HOUR)} OR at >= {zone.epoch(NOW + 9 * HOUR)}"""


def message(*names: str, **more: Any) -> Message:
    fields = {"severity": "critical", "created": NOW, "kind": "fire", **more}
    return Message(f"quick:{names}", "Events fell", "0, expected 96", incidents=names, **fields)


@pytest.fixture
def chat(bot_api: Any) -> Iterator[Telegram]:
    found = Telegram("-100", bot=TOKEN, buttons=True, base_url=bot_api.url, timeout=5)
    yield found
    found.close()


@pytest.fixture(scope="module")
def shop(lab, bot_api_process: Any) -> Any:
    """An alert that has just fired into the chat."""
    files = {path: text.replace("URL", bot_api_process.url) for path, text in FILES.items()}
    shop = lab.shop(files, {"events": "at DateTime('UTC'), user_id UInt32"}, now=NOW)
    shop.context = replace(shop.context, environ=ENVIRON)
    shop.write(EVENTS)
    assert alerting.check(shop.context, NOW).as_dict()["sent"] == 1
    shop.first = bot_api_process.accepted()[-1]
    return shop


@pytest.fixture
def incident(shop: Any) -> Iterator[str]:
    """The id of the open one, about which nobody has done anything."""
    shop.write(f"TRUNCATE TABLE {shop.context.database}.alert_actions")
    return incidents.known(shop.context)[0].id


class Clock:
    """Stands still but for pauses."""

    def __init__(self) -> None:
        self.now, self.pauses = NOW + 10 * MINUTE, list[float]()

    def __call__(self) -> datetime:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)


def desk_of(shop: Any, clock: Clock | None = None, **files: str) -> listening.Desk:
    return listening.desk(lambda now: nullcontext(shop.at(now)), clock or Clock())


def listen(shop: Any) -> list[str]:
    return [*listening.listen(desk_of(shop), timedelta(0))]


def done(shop: Any) -> list[tuple[str, str, str]]:
    return [(each.kind, each.target, each.who) for each in quiet.done(shop.context, NOW + HOUR)]


def answers(bot_api: Any) -> list[tuple[str, bool]]:
    calls = [each for each in bot_api.calls() if each["method"] == "answerCallbackQuery"]
    return [(each.get("text", ""), each.get("show_alert") == "true") for each in calls]


def test_a_fire_carries_buttons(shop: Any) -> None:
    """The whole way: from a tick over the routes to the chat."""
    found = incidents.known(shop.context)[0]
    rows = json.loads(shop.first["reply_markup"])["inline_keyboard"]
    assert [[each["text"] for each in row] for row in rows] == [["Acknowledge", "Snooze 1 h"], ["Useful", "Noise"]]
    assert rows[0][0]["callback_data"] == f"ack:{found.id[:8]}"
    assert shop.first["shown"].count(found.mark) == 1
    assert shop.first["shown"].endswith(found.mark)


@pytest.mark.parametrize("kind", ["note", "update", "resolve"])
def test_other_messages_carry_none(bot_api: Any, chat: Telegram, kind: Any) -> None:
    chat.send(message("fc5de6cff1889ba4", kind=kind))
    assert bot_api.buttons(bot_api.accepted()[0]["message_id"]) == []


def test_an_escalation_carries_them_too(bot_api: Any, chat: Telegram) -> None:
    chat.send(message("fc5de6cff1889ba4", kind="escalation", episode="quick:fc5de6cff1889ba4"))
    assert len(bot_api.buttons(bot_api.accepted()[0]["message_id"])) == 2


def test_a_route_without_buttons_has_none(bot_api: Any) -> None:
    plain = Telegram("-100", bot=TOKEN, base_url=bot_api.url)
    plain.send(message("fc5de6cff1889ba4"))
    plain.close()
    assert bot_api.buttons(bot_api.accepted()[0]["message_id"]) == []


def test_only_the_first_part_of_a_long_message_carries_buttons(bot_api: Any, chat: Telegram) -> None:
    chat.send(replace(message("fc5de6cff1889ba4"), text="word " * 1000))
    first, second = bot_api.accepted()
    assert ("reply_markup" in first, "reply_markup" in second) == (True, False)


def test_several_incidents_share_their_buttons_while_they_fit() -> None:
    names = [f"{number:016x}"[::-1] for number in range(1, 9)]
    merged = merge([replace(message(each), key=each) for each in names[:3]], "chat")
    assert merged.incidents == tuple(names[:3])
    for many in range(1, 7):
        data = [button.data for row in keyboard(names[:many]) for button in row]
        assert len(data) == 4
        assert max(len(each.encode()) for each in data) <= 64
        assert parse(data[1]) == ("snooze", tuple(each[:8] for each in names[:many]))
    assert keyboard(names[:7]) == keyboard([]) == ()


def test_labels_ask_for_nothing() -> None:
    rows = answered(keyboard(["fc5de6cff1889ba4"]), "snooze:fc5de6cf", "Snoozed")
    assert [[each.data.split(":")[0] for each in row] for row in rows] == [["ack", "-"], ["useful", "noise"]]
    for data in ("-", "", "ack", "ack:", "erase:fc5de6cf"):
        assert parse(data) is None


def test_pressing_acknowledge(shop: Any, incident: str, bot_api: Any, chat: Telegram) -> None:
    number = chat.send(message(incident)).reference
    bot_api.press(number, f"ack:{incident[:8]}", "Ann <b>&", chat=-100)
    assert listen(shop) == [f"Acknowledged by Ann <b>& ({incident})"]
    assert done(shop) == [("ack", incident, "Ann <b>&")]
    assert answers(bot_api) == [("Acknowledged by Ann <b>&", False)]
    assert [[text for text, _ in row] for row in bot_api.buttons(number)] == [
        ["Acknowledged by Ann <b>&"], ["Useful", "Noise"]
    ]  # fmt: skip
    assert len([each for each in bot_api.calls() if each["method"].startswith("send")]) == 1, "no message tells of it"


def test_pressing_the_others_one_after_another(shop: Any, incident: str, bot_api: Any, chat: Telegram) -> None:
    number = chat.send(message(incident)).reference
    for verb, name in (("snooze", "Ann"), ("noise", "Bob"), ("ack", "Eve")):
        bot_api.press(number, f"{verb}:{incident[:8]}", name)
        listen(shop)
        if verb == "snooze":
            assert [text for text, _ in bot_api.buttons(number)[0]] == ["Acknowledge", "Snoozed until 13:10 by Ann"]
    assert set(done(shop)) == {("snooze", incident, "Ann"), ("noise", incident, "Bob"), ("ack", incident, "Eve")}
    assert bot_api.buttons(number) == [[("Acknowledged by Eve", "-")], [("Noise, says Bob", "-")]]
    bot_api.press(number, "-")
    assert listen(shop) == ["nothing to do for Ann"]


def test_another_chat_is_refused_and_told(shop: Any, incident: str, bot_api: Any, chat: Telegram) -> None:
    number = chat.send(message(incident)).reference
    bot_api.press(number, f"ack:{incident[:8]}", chat=-999)
    (line,) = listen(shop)
    assert line.startswith("refused: Ann in the chat -999")
    assert answers(bot_api) == [("This chat may not answer the alerts of this project.", True)]
    assert done(shop) == []
    assert len(bot_api.buttons(number)[0]) == 2


def test_a_group_that_has_moved_may_act(shop: Any, incident: str, bot_api: Any, chat: Telegram) -> None:
    number = chat.send(message(incident)).reference
    desk = desk_of(shop)
    assert not desk.allows(["-1002"])
    assert replace(desk, chats=frozenset({"@feed"})).allows(["-5", "@Feed"])
    sending.ledger(shop.context).move("-100", "-1002", NOW)
    bot_api.press(number, f"ack:{incident[:8]}", chat=-1002)
    assert [*listening.listen(desk, timedelta(0))] == [f"Acknowledged by Ann ({incident})"]


def test_what_cannot_be_done_is_told(shop: Any, incident: str, bot_api: Any, chat: Telegram) -> None:
    number = chat.send(message(incident)).reference
    bot_api.press(number, "ack:00000000")
    assert listen(shop)[0].startswith("not done for Ann: There is no incident '00000000'")
    assert answers(bot_api)[0] == ("Not done. There is no incident '00000000'.", True)
    assert len(bot_api.buttons(number)[0]) == 2


def test_a_busy_warehouse_stops_nobody(shop: Any, incident: str, bot_api: Any, chat: Telegram) -> None:
    """The first press meets a tick; the second one does not."""
    number = chat.send(message(incident)).reference
    busy = [True, False]

    @contextmanager
    def opened(now: datetime) -> Iterator[Context]:
        if busy.pop(0):
            raise EngineBusy.of("E503", "Another process uses it.", why="", fix="")
        yield shop.at(now)

    desk = replace(desk_of(shop), opened=opened)
    for _ in range(2):
        bot_api.press(number, f"ack:{incident[:8]}")
    first, second = listening.listen(desk, timedelta(0))
    assert first == "not done for Ann: Another process uses it."
    assert second.startswith("Acknowledged")
    assert answers(bot_api)[0] == ("Not done. Another process uses it.", True)


def test_a_press_is_confirmed_after_it_was_written(shop: Any, incident: str, bot_api: Any, chat: Telegram) -> None:
    """A listener that dies after the first press leaves it to the next, for whom it is the same action."""
    number = chat.send(message(incident)).reference
    bot_api.press(number, f"useful:{incident[:8]}")
    dying = listening.listen(desk_of(shop), timedelta(0))
    assert next(dying).startswith("Useful")
    dying.close()
    assert len(listen(shop)) == 1
    assert listen(shop) == []
    assert done(shop) == [("useful", incident, "Ann")]


def test_a_lost_answer_loses_no_action(shop: Any, incident: str, bot_api: Any, chat: Telegram) -> None:
    number = chat.send(message(incident)).reference
    bot_api.press(number, f"ack:{incident[:8]}")
    bot_api.fail("ok", "500", "drop_before")  # the poll, the answer, the edit
    assert listen(shop) == [f"Acknowledged by Ann ({incident})"]
    assert done(shop) == [("ack", incident, "Ann")]


def test_a_network_that_fails_is_asked_again_later_and_later(shop: Any, incident: str, bot_api: Any) -> None:
    clock = Clock()
    bot_api.fail("drop_before", "500", {"kind": "retry_after", "seconds": 7})
    lines = listening.listen(desk_of(shop, clock), timedelta(seconds=11), clock.pause)
    found = [next(lines) for _ in range(3)]
    assert all(each.startswith("Telegram: ") and TOKEN not in each for each in found)
    bot_api.press(100, f"ack:{incident[:8]}")
    assert next(lines).startswith("Acknowledged")
    assert clock.pauses == [1, 2, 7]
    lines.close()


def test_a_network_that_stays_away_ends_a_bounded_listener(shop: Any, bot_api: Any) -> None:
    clock = Clock()
    bot_api.fail(*["drop_before"] * 9)
    lines = listening.listen(desk_of(shop, clock), timedelta(seconds=5), clock.pause)
    with pytest.raises(DeliveryError, match="Telegram: "):
        list(lines)
    assert clock.pauses == [1, 2, 4]
    bot_api.reset()


def test_a_wrong_token_is_told(bot_api: Any) -> None:
    presses = Presses(Bot("1:wrong", bot_api.url))
    with pytest.raises(Refused, match="refused the bot's token"):
        presses.wait(0)
    presses.close()


def test_two_listeners_are_told_apart(bot_api: Any) -> None:
    """The older poll is ended by the younger one, as Telegram does."""
    errors: list[Refused] = []

    def first() -> None:
        presses = Presses(Bot(TOKEN, bot_api.url))
        try:
            presses.wait(20)
        except Refused as error:
            errors.append(error)
        presses.close()

    thread = threading.Thread(target=first)
    thread.start()
    while not polls(bot_api):
        time.sleep(0.01)
    second = Presses(Bot(TOKEN, bot_api.url))
    assert second.wait(0) == ()
    second.close()
    thread.join(timeout=20)
    assert "Another program is listening for the same bot." in str(errors[0])


def polls(bot_api: Any) -> bool:
    return any(each["method"] == "getUpdates" for each in bot_api.calls())


ROUTES = {
    "none": ("{chat: {stdout: {}}}", "", "E601", "No route has buttons"),
    "not_this": ("{chat: {stdout: {}}, tg: {telegram: {chat: 1, buttons: true}}}", "chat", "E601", "'chat' has no"),
    "unknown": ("{chat: {stdout: {}}}", "chta", "E201", "Did you mean 'chat'"),
    "no_token": ("{chat: {telegram: {chat: 1, buttons: true}}}", "", "E702", "TELEGRAM_BOT_TOKEN"),
    "several": (
        "{chat: {telegram: {chat: 1, bot: '1', buttons: true}}, b: {telegram: {chat: 1, bot: '2', buttons: true}}}",
        "", "E601", "The routes chat, b belong to several bots",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ROUTES)
def test_routes_that_nobody_can_listen_to(lab, case: str) -> None:
    routes, name, code, words = ROUTES[case]
    files = {**FILES, "alerts/all.yaml": f"routes: {routes}\n"}
    shop = lab.shop(files, {"events": "at DateTime('UTC'), user_id UInt32"}, now=NOW)
    context = replace(shop.context, environ=ENVIRON)
    with pytest.raises(UsageError, match=words.replace("$", "\\$")) as caught:
        listening.desk(lambda _: nullcontext(context), Clock(), name)
    assert caught.value.diagnostics[0].code == code
