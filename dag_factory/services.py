"""Processes that belong together: started one by one, watched, and ended to the last child."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError

_TAIL, _WIDTH = 30, 400  # lines of a log that are shown, and characters of each
_DEATH = 5.0  # seconds until what was killed is gone


@dataclass(frozen=True, slots=True)
class Service:
    """A process that is meant to go on; what it says is in its log. It leads a session, by which its children are
    found even when they have left its process group, as Airflow's tasks do."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path, lock: int) -> Service:
        """`lock` is a file that it holds open, and its children with it, until the last of them has ended."""
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command
                command, env=environ, stdout=output, stderr=output, start_new_session=True, pass_fds=(lock,)
            )
        return cls(name, process, log)

    def check(self) -> None:
        """Raises AssayError E806, with the end of the log, when it has ended."""
        if (code := self.process.poll()) is not None:
            raise AssayError.of(
                "E806",
                f"{self.name} has ended with {code}. It said at last:\n{self.tail()}\n",
                why="Airflow needs all of its processes; the others were stopped.",
                fix=f"Read {self.log}, and start again.",
            )

    def tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(each[:_WIDTH] for each in lines[-_TAIL:])

    def end(self, patience: float) -> None:
        """Ask it to end, wait so many seconds, then kill what is left of its session."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        self.process.kill()
        self.process.wait()
        until = time.monotonic() + _DEATH
        while (left := members(self.process.pid)) and time.monotonic() < until:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)


def members(session: int) -> list[int]:
    """The processes of a session that still run; none where there is no /proc."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, _parent, _group, number, *_ = each.read_text().rpartition(")")[2].split()
            if int(number) == session and state != "Z":
                found.append(int(each.parent.name))
    return found
