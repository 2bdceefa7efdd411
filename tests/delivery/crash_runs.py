"""Kills a sender with SIGKILL at every step of a send, over and over, and counts what has arrived.

Each run: a child plans and sends four messages through a real bot library to the Bot API at `url`, and dies at its n-th
step; another child then does the same, as the next tick would. Prints one JSON object a run. A step is a call of, or a
return from, a function of the delivery, the HTTP library or the socket below it.

    crash_runs.py URL FOLDER RUNS
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from PIL import Image

from assay.delivery import Block, Channels, FileLedger, Message, Patience, Route, deliver
from assay.delivery.channels.telegram import Telegram

NOW = datetime(2025, 10, 7, 12, 0, tzinfo=UTC)
WATCHED = ("assay/delivery", "httpcore", "httpx", "anyio", "asyncio/selector_events")
FAULTS: list[list[Any]] = [
    [], ["drop_after"], ["500"], ["ok", "drop_after"], [{"kind": "retry_after", "seconds": 1}], ["ok", "500"],
    ["parse"], ["ok", "ok", "drop_after"],
]  # fmt: skip


def picture() -> bytes:
    found = BytesIO()
    Image.new("RGB", (40, 30), "white").save(found, "PNG")
    return found.getvalue()


def messages() -> list[Message]:
    def one(key: str, severity: Any, text: str = "down", **more: Any) -> Message:
        return Message(key, f"[{key}]", text, severity=severity, created=NOW, labels={"route": "chat"}, **more)

    chart = (Block("Views", "", picture()),)
    long = "\n".join(f"cause {number}" for number in range(600))
    return [
        one("c1", "critical", blocks=chart, kind="fire"),
        one("c2", "critical", long, kind="fire"),
        one("w1", "warning", blocks=chart * 2, kind="fire"),  # an album
        one("n1", "info"),
    ]


def tick(url: str, folder: Path, clock: datetime) -> None:
    routes = {"chat": Route("chat", "telegram", {"chat": "-100"})}
    channels = Channels(routes, lambda _: Telegram("-100", bot="12345:secret-token", base_url=url, timeout=5))
    # pausing costs no time here: the clock moves by itself
    deliver(messages(), routes, channels, FileLedger(folder / "sent.jsonl"), clock, patience=Patience(pause=_no_time))


def _no_time(_seconds: float) -> None:
    """The server does not check that it is obeyed; another test does."""


def child(work: Callable[[], None]) -> int:
    """Do it in a process of its own; the signal or code that ended it."""
    if pid := os.fork():
        return os.waitpid(pid, 0)[1]
    try:
        work()
        os._exit(0)
    except BaseException as error:
        sys.stderr.write(f"{error!r}\n")
        os._exit(1)


def counted(work: Callable[[], None], last: int | None, report: int | None = None) -> None:
    """Do it, and die at step `last`; without one, write the number of steps to the pipe `report`."""
    steps = 0

    def step(frame: Any, _event: str, _argument: Any) -> None:
        nonlocal steps
        if any(each in frame.f_code.co_filename for each in WATCHED):
            steps += 1
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(step)
    work()
    sys.setprofile(None)
    if report is not None:
        os.write(report, str(steps).encode())


def post(url: str, path: str, content: Any) -> None:
    urlopen(Request(f"{url}/{path}", json.dumps(content).encode()), timeout=10).close()


def arrived(url: str) -> list[str]:
    """The texts that the server accepted."""
    with urlopen(f"{url}/calls", timeout=10) as answer:
        return [each["shown"] for each in json.load(answer) if each["accepted"]]


def steps_of(url: str, folder: Path, faults: list[Any]) -> int:
    post(url, "reset", [])
    post(url, "faults", faults)
    read, write = os.pipe()
    assert child(lambda: counted(lambda: tick(url, folder, NOW), None, write)) == 0
    return int(os.read(read, 100))


def run(url: str, folder: Path, faults: list[Any], last: int) -> dict[str, Any]:
    post(url, "reset", [])
    post(url, "faults", faults)
    ended = child(lambda: counted(lambda: tick(url, folder, NOW), last))
    post(url, "faults", [])
    assert child(lambda: tick(url, folder, NOW + timedelta(minutes=15))) == 0
    texts = arrived(url)
    counts = Counter(key for key in ("c1", "c2", "w1", "n1") for text in texts if f"[{key}]" in text)
    marked = Counter(key for key in counts for text in texts if f"[{key}]" in text and "possible repeat" in text)
    return {"killed": ended == signal.SIGKILL, "faults": faults, "step": last, "counts": counts, "marked": marked}


def main(url: str, folder: Path, runs: int) -> None:
    choice = random.Random(20250706)
    tick(url, folder / "first", NOW)  # imports are made before the forks, so that a run takes milliseconds
    steps = {str(each): steps_of(url, folder / f"clean{at}", each) for at, each in enumerate(FAULTS)}
    for number in range(runs):
        faults = FAULTS[number % len(FAULTS)]
        # evenly over all steps, and not at the same ones for each kind of fault
        of, part = steps[str(faults)], (number // len(FAULTS) + choice.random()) / (runs / len(FAULTS))
        found = run(url, folder / f"run{number}", faults, max(1, min(int(part * of), of)))
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
