"""What people do about alerts, as commands: their texts, their JSON, their mistakes, and a listener as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from assay.cli.main import main
from assay.engine import Dsn, connect
from assay.jobs.outputs.contracts import SCHEMAS
from assay.statement import Statement

pytestmark = pytest.mark.slow

NOON = ("--at", "2025-03-20T12:00")
LATER = ("--at", "2025-03-20T12:05")
FILES = {
    "metrics/all.yaml": """
sources: {app: {table: people.events, time: at, entities: {user: user_id}}}
metrics: {events: {type: count, source: app}}
""",
    "alerts/all.yaml": """
alerts: {quick: {metrics: [events], every: 1h, severity: critical, route: box}}
routes: {box: {outbox: {path: outbox}}}
silences: {past: {start: 2025-02-01, end: 2025-02-02, why: It was long ago.}}
""",
}
# 96 events an hour from 2025-02-10 on, and none in the hour before noon.
EVENTS = """CREATE TABLE people.events ENGINE = MergeTree ORDER BY tuple() AS
SELECT toDateTime('2025-02-10 00:00:00', 'UTC') + intDiv(number * 75, 2) AS at, number % 48 AS user_id
FROM numbers(40 * 24 * 96) WHERE at < '2025-03-20 11:00:00' OR at >= '2025-03-20 12:00:00'"""


@pytest.fixture(scope="module")
def root(lab_folder: Path) -> Path:
    """A project whose alert has just fired; closed, so that each command may open its warehouse."""
    root, warehouse = lab_folder / "people", lab_folder / "warehouse"
    settings = f"name: people\nwarehouse: {{dsn: 'chdb://{warehouse}', database: people_assay}}\n"
    for path, text in {"project.yaml": settings, **FILES}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    with connect(Dsn(path=warehouse)) as engine:
        for sql in ("DROP DATABASE IF EXISTS people", "CREATE DATABASE people", EVENTS):
            engine.run(Statement(sql, "test", writes=True))
    assert "sent" in run(root, "check", *NOON).output
    return root


def run(root: Path, *arguments: str) -> Result:
    return CliRunner(env={"ASSAY_DSN": "", "LOGNAME": "ann"}).invoke(main, ["alert", *arguments, "-p", str(root)])


def text(root: Path, *arguments: str) -> str:
    result = run(root, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def answer(root: Path, command: str, *arguments: str) -> Any:
    found = json.loads(text(root, command, *arguments, "--format", "json"))
    Draft202012Validator(SCHEMAS[f"alert {command}"]).validate(found)
    return found


@pytest.fixture(scope="module")
def mark(root: Path) -> str:
    (found,) = answer(root, "open", *NOON)["incidents"]
    assert (found["alert"], found["severity"], found["open"]) == ("quick", "critical", True)
    return found["mark"]


def test_open_incidents_are_listed(root: Path, mark: str) -> None:
    first, second = text(root, "open", *NOON).splitlines()
    assert first == f"{mark}  quick  critical  since 2025-03-20 11:00"
    assert second.strip().startswith("Events: 0, expected")
    assert text(root, "open", "--at", "2025-03-20T10:00") == "No incident is open."


def test_acknowledge_snooze_and_judge(root: Path, mark: str) -> None:
    assert text(root, "ack", mark, *LATER) == f"{mark} quick: acknowledged by ann"
    assert text(root, "snooze", mark, "--for", "2h", "--who", "Bob", *LATER) == (
        f"{mark} quick: snoozed until 2025-03-20 14:05 by Bob"
    )
    assert (
        text(root, "feedback", mark, "--useful", "no", "--why", "A test.", *LATER) == f"{mark} quick: noise, says ann"
    )
    assert (
        text(root, "open", *LATER)
        .splitlines()[0]
        .endswith("since 2025-03-20 11:00, acknowledged by ann, snoozed until 2025-03-20 14:05")
    )
    for command, *more in (("ack",), ("snooze", "--for", "30s"), ("feedback", "--useful", "yes")):
        found = answer(root, command, mark, *more, *LATER)
        assert (found["who"], found["at"]) == ("ann", "2025-03-20T12:05:00+00:00")


def test_silences(root: Path) -> None:
    set_ = answer(root, "silence", "--match", "alert=quick,owner=!other", "--for", "6h", "--why", "Works.", *NOON)
    assert (set_["match"], set_["until"]) == ({"alert": ["quick"], "owner": ["!other"]}, "2025-03-20T18:00:00+00:00")
    found = answer(root, "silences", *LATER)["silences"]
    assert [(each["id"], each["state"]) for each in found] == [("past", "over"), (set_["id"], "holds")]
    listed = text(root, "silences", *LATER)
    assert f"holds   {set_['id']}  alert=quick,owner=!other  2025-03-20 12:00 to 2025-03-20 18:00" in listed
    assert "over    past  everything" in listed
    assert answer(root, "unsilence", set_["id"], *LATER)["target"] == set_["id"]
    again = text(root, "silence", "--match", "alert=quick", "--for", "1d", "--why", "Works.", *NOON)
    assert again.split()[1:5] == ["holds", "until", "2025-03-21", "12:00;"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ack", "#000000"), "There is no incident '#000000'."),
        (("ack",), "Missing argument 'INCIDENT'"),
        (("snooze", "#000000"), "Missing option '--for'"),
        (("snooze", "#000000", "--for", "soon"), "'soon' is not a length of time such as 30s, 15m, 2h or 3d"),
        (("snooze", "#000000", "--for", "0h"), "'0h' is not a length of time"),
        (("silence", "--match", "alert=quick", "--why", "Works."), "Missing option '--for'"),
        (("silence", "--match", "alert=quick", "--for", "1h"), "Missing option '--why'"),
        (("silence", "--match", "", "--for", "1h", "--why", "Works."), "is not a list of labels"),
        (("silence", "--match", "alert", "--for", "1h", "--why", "Works."), "'alert' is not a list of labels"),
        (("silence", "--match", "alrt=quick", "--for", "1h", "--why", "Works."), "Did you mean 'alert'?"),
        (("unsilence", "past"), "The silence 'past' is declared."),
        (("listen", "--once", "--for", "1h"), "--once and --for exclude each other"),
        (("listen", "--once"), "No route has buttons."),
    ],
)
def test_mistakes(root: Path, arguments: tuple[str, ...], words: str) -> None:
    result = run(root, *arguments)
    assert result.exit_code == 2, result.output
    assert words in " ".join(result.stderr.split())


TOKEN = "12345:secret-token"


@pytest.fixture
def api() -> Iterator[str]:
    """The Bot API of the tests of delivery, as a process."""
    server = Path(__file__).parents[1] / "delivery" / "fault_server.py"
    with subprocess.Popen([sys.executable, str(server)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


def wait_for(url: str, method: str) -> dict[str, Any]:
    """The first call of a method; pytest ends a test that waits in vain."""
    while True:
        with urlopen(f"{url}/calls", timeout=10) as answered:
            found = [each for each in json.load(answered) if each["method"] == method]
        if found:
            return found[0]
        time.sleep(0.05)


@pytest.mark.slow
def test_a_listener_leaves_the_warehouse_to_the_others(root: Path, api: str) -> None:
    """As processes over one embedded database: one listens, a tick fires, somebody presses, and it is known."""
    pytest.importorskip("telegram")
    telegram = f'telegram: {{chat: "-100", bot: "${{BOT}}", buttons: true, base_url: "{api}"}}'
    routes = FILES["alerts/all.yaml"].replace("outbox: {path: outbox}", telegram).replace("quick", "loud")
    (root / "alerts/all.yaml").write_text(routes, encoding="utf-8")
    environ = {**os.environ, "BOT": TOKEN, "ASSAY_DSN": ""}

    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-c", "from assay.cli.main import main; main()", "alert", *arguments]

    with subprocess.Popen(command("listen"), cwd=root, env=environ, stdout=subprocess.DEVNULL) as listener:
        wait_for(api, "getUpdates")
        subprocess.run(command("check", *NOON), cwd=root, env=environ, check=True, timeout=100)
        sent = wait_for(api, "sendPhoto")
        pressed = json.loads(sent["reply_markup"])["inline_keyboard"][0][0]["callback_data"]
        user = {"id": 7, "is_bot": False, "first_name": "Ann", "username": "ann"}
        body = json.dumps({"message": sent["message_id"], "data": pressed, "user": user}).encode()
        urlopen(Request(f"{api}/press", body, {"Content-Type": "application/json"}), timeout=10).close()
        wait_for(api, "editMessageReplyMarkup")
        listener.terminate()
    told = subprocess.run(command("open", "--all"), cwd=root, env=environ, check=True, capture_output=True, text=True)
    assert "acknowledged by Ann (@ann)" in told.stdout
