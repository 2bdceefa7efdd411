"""The Bot API that fails on demand, as a process on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

HERE = Path(__file__).parent
TOKEN = "12345:secret-token"


@dataclass(frozen=True, slots=True)
class BotApi:
    """The fault server as a test sees it."""

    url: str

    def fail(self, *faults: Any) -> None:
        """What to do with the next calls, one after the other."""
        self._post("faults", list(faults))

    def reset(self) -> None:
        self._post("reset", [])

    def calls(self) -> list[dict[str, Any]]:
        with urlopen(f"{self.url}/calls", timeout=10) as answer:
            return json.load(answer)

    def press(self, message: int | str, data: str, name: str = "Ann", **more: Any) -> None:
        """Somebody presses the button that carries `data`."""
        user = {"id": 7, "is_bot": False, "first_name": name}
        self._post("press", {"message": message, "data": data, "user": user, **more})

    def buttons(self, message: int | str) -> list[list[tuple[str, str]]]:
        """The buttons under a message now, as (text, data)."""
        with urlopen(f"{self.url}/keyboards", timeout=10) as answer:
            found = json.load(answer)[str(message)]
        rows = json.loads(found)["inline_keyboard"] if found else []
        return [[(each["text"], each["callback_data"]) for each in row] for row in rows]

    def accepted(self) -> list[dict[str, Any]]:
        return [each for each in self.calls() if each["accepted"]]

    def _post(self, path: str, content: Any) -> None:
        body = json.dumps(content).encode()
        urlopen(Request(f"{self.url}/{path}", body, {"Content-Type": "application/json"}), timeout=10).close()


@pytest.fixture(scope="session")
def bot_api_process() -> Iterator[BotApi]:
    command = [sys.executable, str(HERE / "fault_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield BotApi(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        process.terminate()


@pytest.fixture
def bot_api(bot_api_process: BotApi) -> BotApi:
    bot_api_process.reset()
    return bot_api_process
