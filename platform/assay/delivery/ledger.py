"""What was sent and when, so that the same report or tick run twice sends nothing twice."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from assay.delivery.message import require_aware
from assay.errors import AssayError, DeliveryError


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of one delivery, for the keys of all that it says.

    `sending` without a later `sent` or `failed` is a send that a crash interrupted.
    """

    keys: tuple[str, ...]
    state: Literal["sending", "sent", "failed"]
    at: datetime
    reference: str = ""

    def __post_init__(self) -> None:
        require_aware(self.at)


class Ledger(Protocol):
    """The port. An entry is kept whole before `record` returns, or not at all."""

    def sent_at(self, key: str) -> datetime | None:
        """The time of the last successful send, None if there is none."""

    def record(self, entry: Entry) -> None:
        """Add an entry. Raises DeliveryError (E701) if it cannot be kept."""


class MemoryLedger:
    """For tests and for channels that need no memory; it ends with the process."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def sent_at(self, key: str) -> datetime | None:
        return max((each.at for each in self.entries if key in each.keys and each.state == "sent"), default=None)

    def record(self, entry: Entry) -> None:
        self.entries.append(entry)


class FileLedger:
    """One JSON object per line, appended under a lock and flushed to the disk.

    A last line that a crash cut short was never acknowledged: it is ignored when reading and removed before writing.
    Every call reads what other processes have added.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sent: dict[str, datetime] = {}
        self._read_up_to = 0

    def sent_at(self, key: str) -> datetime | None:
        try:
            self._refresh()
        except (OSError, ValueError, KeyError, TypeError) as cause:
            raise _unusable(self.path, cause) from cause
        return self._sent.get(key)

    def record(self, entry: Entry) -> None:
        line = json.dumps(asdict(entry) | {"at": entry.at.isoformat()}) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                _append(file, line.encode())
        except OSError as cause:
            raise _unusable(self.path, cause) from cause

    def _refresh(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read_up_to)
            whole = file.read().rpartition(b"\n")[0]
        for line in whole.splitlines():
            self._learn(json.loads(line))
        self._read_up_to += len(whole) + 1 if whole else 0

    def _learn(self, entry: dict[str, Any]) -> None:
        if entry["state"] == "sent":
            at = datetime.fromisoformat(entry["at"])
            self._sent |= {key: max(at, self._sent.get(key, at)) for key in entry["keys"]}


def _append(file: IO[bytes], line: bytes) -> None:
    fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed
    _remove_cut_line(file)
    file.write(line)
    file.flush()
    os.fsync(file.fileno())


def _remove_cut_line(file: IO[bytes]) -> None:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - 1, 0))
    if file.read(1) not in (b"", b"\n"):
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _unusable(path: Path, cause: Exception) -> AssayError:
    return DeliveryError.of(
        "E701",
        f"The ledger of sent messages, {path}, cannot be used: {cause}.",
        why="Without it nobody knows what was sent already, so nothing is sent.",
        fix="Make the file readable and writable, or move it away to start anew (messages may then repeat).",
    )
