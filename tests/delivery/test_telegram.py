"""The Telegram channel against a Bot API on loopback: what arrives, and what becomes of each way to fail."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

telegram = pytest.importorskip("telegram")

from PIL import Image  # noqa: E402

from assay.delivery import (  # noqa: E402
    Block,
    Channels,
    FileLedger,
    Hints,
    Later,
    Message,
    Moved,
    Patience,
    Refused,
    Route,
    Uncertain,
    deliver,
)
from assay.delivery.channels.telegram import Telegram  # noqa: E402
from assay.errors import UsageError  # noqa: E402

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
TOKEN = "12345:secret-token"
NASTY = "<b>&_*[x](y) </b> \"quoted\" 'it' &amp; 🔴"


def picture() -> bytes:
    found = BytesIO()
    Image.new("RGB", (40, 30), "white").save(found, "PNG")
    return found.getvalue()


CHART = Block("Views", "", picture(), "views")


def message(key: str = "a", severity: Any = "critical", text: str = "Text", **fields: Any) -> Message:
    return Message(key, fields.pop("title", f"Title {key}"), text, severity=severity, created=NOW, **fields)


@pytest.fixture
def chat(bot_api: Any) -> Any:
    found = Telegram("-100", bot=TOKEN, base_url=bot_api.url, mention=["@oncall"], timeout=5)
    yield found
    found.close()


def test_a_picture_with_its_text_is_one_message(bot_api: Any, chat: Telegram) -> None:
    receipt = chat.send(message(blocks=(CHART,)))
    (call,) = bot_api.accepted()
    assert (receipt.status, receipt.recipient, receipt.reference) == ("sent", "-100", str(call["message_id"]))
    assert call["method"] == "sendPhoto"
    assert call["shown"] == f"🔴 Title a\n@oncall\nText\n\n{message().mark}"
    assert call["disable_notification"] == "false"


def test_a_warning_makes_no_sound_and_calls_nobody(bot_api: Any, chat: Telegram) -> None:
    chat.send(message(severity="warning"))
    (call,) = bot_api.accepted()
    assert (call["shown"], call["disable_notification"]) == ("🟡 Title a\nText", "true")


def test_a_topic_is_named_in_each_call(bot_api: Any) -> None:
    chat = Telegram("-100", thread=7, bot=TOKEN, base_url=bot_api.url)
    chat.send(message(text="word " * 1000))
    chat.close()
    assert [each["message_thread_id"] for each in bot_api.accepted()] == ["7", "7"]


def test_names_are_shown_as_they_are(bot_api: Any, chat: Telegram) -> None:
    chat.send(message(title=NASTY, text=NASTY, severity="info", blocks=(Block(NASTY, NASTY), Block("B", NASTY))))
    (call,) = bot_api.accepted()
    assert call["shown"] == f"{NASTY}\n{NASTY}\n\n{NASTY}\n{NASTY}\n\nB\n{NASTY}"


def test_a_long_list_of_causes_is_a_picture_and_replies(bot_api: Any, chat: Telegram) -> None:
    causes = "\n".join(f"• cause number {number} <b>&" for number in range(400))
    assert len(causes) > 9_000
    chat.send(message(text=causes, blocks=(CHART,)))
    first, *others = bot_api.accepted()
    assert (first["method"], len(others)) == ("sendPhoto", 3)
    assert all(f'"message_id": {first["message_id"]}' in each["reply_parameters"] for each in others)
    lines = "\n".join(each["shown"] for each in (first, *others)).splitlines()
    assert [each for each in lines if each.startswith("•")] == causes.splitlines()
    assert {each["disable_notification"] for each in others} == {"true"}  # one sound for one message


def test_a_text_without_an_end_is_cut_and_says_so(bot_api: Any, chat: Telegram) -> None:
    chat.send(message(text="word " * 10_000))
    calls = bot_api.accepted()
    assert len(calls) == 7
    assert calls[-1]["shown"].startswith("… and 25,")


def charts(number: int) -> tuple[Block, ...]:
    return tuple(Block(f"Chart {at}", "", picture()) for at in range(1, number + 1))


def test_several_pictures_are_an_album_with_one_caption(bot_api: Any, chat: Telegram) -> None:
    receipt = chat.send(message(text=NASTY, blocks=(CHART, Block("Likes", "112K", picture()))))
    (call,) = bot_api.accepted()
    assert (call["method"], call["messages"], call["disable_notification"]) == ("sendMediaGroup", 2, "false")
    first, second = json.loads(call["media"])
    assert (first["parse_mode"], "caption" in second) == ("HTML", False)
    assert call["shown"] == f"🔴 Title a\n@oncall\n{NASTY}\n\nViews\n\nLikes\n112K\n\n{message().mark}"
    assert receipt.reference == str(call["message_id"])


@pytest.mark.parametrize(("pictures", "methods"), [(10, []), (11, ["sendPhoto"]), (13, ["sendMediaGroup"])])
def test_an_album_has_ten_pictures_and_the_others_follow(
    bot_api: Any, chat: Telegram, pictures: int, methods: list[str]
) -> None:
    chat.send(message(text="word " * 600, blocks=charts(pictures)))
    first, *others = bot_api.accepted()
    assert (first["method"], first["messages"]) == ("sendMediaGroup", 10)
    assert [each["method"] for each in others] == ["sendMessage", *methods]
    assert sum(each["messages"] for each in (first, *others)) == pictures + 1
    assert all(f'"message_id": {first["message_id"]}' in each["reply_parameters"] for each in others)


def test_buttons_stand_under_the_first_picture(bot_api: Any) -> None:
    chat = Telegram("-100", bot=TOKEN, base_url=bot_api.url, buttons=True)
    chat.send(message(blocks=charts(3), kind="fire", incidents=("fc5de6cff1889ba4",)))
    chat.close()
    first, others = bot_api.accepted()
    assert (first["method"], others["method"], others["messages"]) == ("sendPhoto", "sendMediaGroup", 2)
    assert bot_api.buttons(first["message_id"])


def test_an_album_whose_answer_was_lost_is_not_sent_again(bot_api: Any, tmp_path: Path) -> None:
    routes = {"chat": Route("chat", "telegram", {"chat": "-100"})}
    bot_api.fail("drop_after")
    for _ in range(2):
        channels = Channels(routes, lambda _: Telegram("-100", bot=TOKEN, base_url=bot_api.url))
        report = message(severity="info", blocks=charts(3), labels={"route": "chat"})
        deliver([report], routes, channels, FileLedger(tmp_path / "sent.jsonl"), NOW)
    (call,) = bot_api.accepted()
    assert call["messages"] == 3


def test_a_resolve_answers_the_first_message(bot_api: Any, chat: Telegram) -> None:
    chat.send(message(kind="resolve", episode="a"), Hints(reply_to="77"))
    (call,) = bot_api.accepted()
    assert call["shown"].startswith("✅ Title a\nText")
    assert '"message_id": 77' in call["reply_parameters"]
    assert '"allow_sending_without_reply": true' in call["reply_parameters"]


FAULTS: list[tuple[Any, Any]] = [
    ("500", Later),
    ({"kind": "retry_after", "seconds": 7}, Later),
    ("forbidden", Refused),
    ("chat_not_found", Refused),
    ("drop_after", Uncertain),
    ("drop_before", Uncertain),
    ({"kind": "migrate", "chat": "-200"}, Moved),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=str)
def test_each_way_to_fail_is_told_apart(bot_api: Any, chat: Telegram, fault: Any, kind: Any) -> None:
    bot_api.fail(fault)
    with pytest.raises(kind) as caught:
        chat.send(message(blocks=(CHART,)))
    assert len(bot_api.calls()) == 1, "the channel itself repeats nothing"
    (told,) = caught.value.diagnostics
    assert (told.code, all((told.message, told.why, told.fix))) == ("E701", True)
    if kind is Later and fault != "500":
        assert (caught.value.after, caught.value.everybody) == (timedelta(seconds=7), True)
    if kind is Moved:
        assert (caught.value.old, caught.value.new) == ("-100", "-200")


def test_no_answer_in_time_means_that_nobody_knows(bot_api: Any) -> None:
    bot_api.fail({"kind": "delay", "seconds": 1})
    chat = Telegram("-100", bot=TOKEN, base_url=bot_api.url, timeout=0.2)
    with pytest.raises(Uncertain):
        chat.send(message())
    chat.close()
    while not bot_api.calls():  # it arrived after all, before the next test begins
        time.sleep(0.05)


def test_a_dead_network_is_later_for_everybody() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        chat = Telegram("-100", bot=TOKEN, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Later) as caught:
            chat.send(message())
        chat.close()
    assert (caught.value.after, caught.value.everybody) == (None, True)


def test_the_parts_that_arrived_are_told_and_not_sent_again(bot_api: Any, chat: Telegram) -> None:
    bot_api.fail("ok", {"kind": "retry_after", "seconds": 1})
    with pytest.raises(Later) as caught:
        chat.send(message(text="word " * 1200))
    (first,) = bot_api.accepted()
    assert caught.value.parts == (str(first["message_id"]),)
    chat.send(message(text="word " * 1200), Hints(parts=caught.value.parts))
    assert len(bot_api.accepted()) == 2
    assert f'"message_id": {first["message_id"]}' in bot_api.accepted()[1]["reply_parameters"]


@pytest.mark.parametrize(
    ("fault", "pictures", "method"),
    [
        ("parse", 1, "sendPhoto"),
        ("parse", 2, "sendMediaGroup"),
        ("photo", 1, "sendMessage"),
        ("photo", 2, "sendMessage"),
    ],
)
def test_a_form_that_is_refused_is_changed_once(
    bot_api: Any, chat: Telegram, caplog: Any, fault: str, pictures: int, method: str
) -> None:
    bot_api.fail(fault)
    chat.send(message(text=NASTY, blocks=charts(pictures)))
    (call,) = bot_api.accepted()
    assert (call["method"], NASTY in call["shown"]) == (method, True)
    assert "sent in another one" in caplog.text
    bot_api.fail(fault, fault)
    with pytest.raises(Refused):
        chat.send(message(blocks=(CHART,)))


def test_a_wrong_token_is_refused_and_never_shown(bot_api: Any, caplog: Any, tmp_path: Path) -> None:
    wrong = "999:very-secret"
    caplog.set_level(logging.DEBUG)
    routes = {"chat": Route("chat", "telegram", {"chat": "-100"})}
    channels = Channels(routes, lambda _: Telegram("-100", bot=wrong, base_url=bot_api.url))
    one = message(labels={"route": "chat"})
    (receipt,) = deliver([one], routes, channels, FileLedger(tmp_path / "sent.jsonl"), NOW)
    assert (receipt.status, "Unauthorized" in receipt.detail) == ("failed", True)
    chat = Telegram("-100", bot=TOKEN, base_url=bot_api.url)
    chat.send(message())
    chat.close()
    told = caplog.text + receipt.detail + (tmp_path / "sent.jsonl").read_text()
    assert "HTTP Request: POST" in told, "the library logs addresses: this test must see them"
    assert wrong not in told
    assert TOKEN not in told


def test_without_a_token_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN", raising=False)
    with pytest.raises(UsageError, match="E702 The environment variable TELEGRAM_BOT_TOKEN is not set"):
        Telegram("-100")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    Telegram("-100").close()


def test_a_group_that_moved_is_written_to_at_its_new_place(bot_api: Any, tmp_path: Path) -> None:
    routes = {"chat": Route("chat", "telegram", {"chat": "-100"})}
    pauses: list[float] = []

    def tick(key: str) -> None:
        channels = Channels(routes, lambda _: Telegram("-100", bot=TOKEN, base_url=bot_api.url))
        one = message(key, labels={"route": "chat"})
        ledger = FileLedger(tmp_path / "sent.jsonl")
        (receipt,) = deliver([one], routes, channels, ledger, NOW, patience=Patience(pause=pauses.append))
        assert (receipt.status, receipt.recipient) == ("sent", "-200")

    bot_api.fail({"kind": "migrate", "chat": "-200"})
    tick("a")
    tick("b")
    assert [(each["chat_id"], each["accepted"]) for each in bot_api.calls()] == [
        ("-100", False),
        ("-200", True),
        ("-200", True),
    ]


def test_a_service_that_says_when_is_not_asked_earlier(bot_api: Any, tmp_path: Path) -> None:
    routes = {"chat": Route("chat", "telegram", {"chat": "-100"})}
    channels = Channels(routes, lambda _: Telegram("-100", bot=TOKEN, base_url=bot_api.url))
    bot_api.fail({"kind": "retry_after", "seconds": 1})
    batch = [message(key, labels={"route": "chat"}) for key in "ab"]
    receipts = deliver(batch, routes, channels, FileLedger(tmp_path / "sent.jsonl"), NOW)
    assert [each.status for each in receipts] == ["sent", "sent"]
    first, *others = bot_api.calls()
    assert len(others) == 2
    assert all(each["at"] - first["at"] >= 1 for each in others)


def test_the_fault_server_speaks_like_a_bot_api(bot_api: Any) -> None:
    """The server of these tests, driven by the library alone: what it refuses, the library understands."""

    async def conversation() -> None:
        request = telegram.request.HTTPXRequest()
        bot = telegram.Bot(TOKEN, base_url=f"{bot_api.url}/bot", request=request, get_updates_request=request)
        sent = await bot.send_message(-100, "<b>x</b> &lt;", parse_mode="HTML")
        assert (sent.text, sent.chat.type) == ("x <", "supergroup")
        with pytest.raises(telegram.error.BadRequest, match="parse entities"):
            await bot.send_message(-100, "<b>x", parse_mode="HTML")
        with pytest.raises(telegram.error.BadRequest, match="parse entities"):
            await bot.send_message(-100, "a & b <i", parse_mode="HTML")
        with pytest.raises(telegram.error.BadRequest, match="too long"):
            await bot.send_message(-100, "x" * 4097)
        photo = await bot.send_photo(-100, picture(), caption="y")
        assert photo.caption == "y"
        with pytest.raises(telegram.error.BadRequest, match="too long"):
            await bot.send_photo(-100, picture(), caption="y" * 1025)
        photos = [telegram.InputMediaPhoto(picture()) for _ in range(3)]
        album = await bot.send_media_group(-100, photos, caption="z")
        assert [each.caption for each in album] == ["z", "", ""]
        assert [each.message_id - album[0].message_id for each in album] == [0, 1, 2]
        with pytest.raises(telegram.error.BadRequest, match="number of media"):
            await bot.send_media_group(-100, photos * 4)
        bot_api.fail("forbidden", "500", {"kind": "migrate", "chat": "-7"})
        for error in (telegram.error.Forbidden, telegram.error.NetworkError, telegram.error.ChatMigrated):
            with pytest.raises(error):
                await bot.send_message(-100, "x")
        await request.shutdown()

    asyncio.run(conversation())
    assert len(bot_api.accepted()) == 3
