"""The outbox: what is to be sent, what was, and what nobody knows, remembered over crashes and between processes.

A file is the truth, not a table: a step must be on the disk before the call to a service is made, and no insert into a
warehouse promises that.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from assay.delivery.letters import Entry, Past, Record
from assay.delivery.stored import Pictures, to_letter, to_line
from assay.errors import AssayError, DeliveryError

MOVED = "moved:"  # the key of a recipient's new address
Work = Literal["planning", "sending"]


class Ledger(Protocol):
    """The port. Steps recorded together are kept, all of them, before `record` returns, or not at all."""

    def read(self) -> Past:
        """What is known now, from all processes. Raises DeliveryError (E701) if it cannot be read."""

    def record(self, *entries: Entry) -> None:
        """Add steps. Raises DeliveryError (E701) if they cannot be kept."""

    def move(self, old: str, new: str, at: datetime) -> None:
        """Remember that a recipient has a new address."""

    def alone(self, work: Work, wait: timedelta) -> AbstractContextManager[bool]:
        """Be the only one who plans or sends; False if another process still does after `wait`.

        The death of a process ends its claim. So who is alone in sending and finds a letter in `sending` knows that it
        was interrupted.
        """


class MemoryLedger:
    """For tests and for channels that need no memory; it ends with the process."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._past = Past({}, {})

    def read(self) -> Past:
        return self._past

    def record(self, *entries: Entry) -> None:
        records = dict(self._past.records)
        for entry in entries:
            records |= {key: follow(records.get(key), key, entry) for key in entry.keys}
        self.entries += entries
        self._past = replace(self._past, records=records)

    def move(self, old: str, new: str, at: datetime) -> None:  # noqa: ARG002 - the port
        self._past = replace(self._past, moved={**self._past.moved, old: new})

    @contextmanager
    def alone(self, work: Work, wait: timedelta) -> Iterator[bool]:  # noqa: ARG002 - the port
        yield True


def follow(record: Record | None, key: str, entry: Entry) -> Record:
    """The record after one more step. A `planned` step begins its way, anew if it had ended."""
    if entry.letter:
        message = entry.letter.message
        record = record or Record(key, entry.state, entry.at, entry.letter.route, message.thread, message.kind)
        return replace(record, state=entry.state, at=entry.at, letter=entry.letter)
    record = record or Record(key, entry.state, entry.at, "", "", "note")
    letter = record.letter if entry.state == "sending" else None
    record = replace(record, state=entry.state, at=entry.at, letter=letter)
    if entry.state != "sent":
        return record
    return replace(record, sent_at=max(entry.at, record.sent_at or entry.at), reference=entry.reference)


class FileLedger:
    """One JSON text per line, a step or a list of them, appended under a lock and flushed to the disk.

    A last line that a crash cut short was never acknowledged: it is ignored when reading and removed before writing.
    Pictures of letters on their way are in the folder of the same name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pictures = Pictures(path.with_suffix(""))
        self._records: dict[str, Record] = {}
        self._letters: dict[str, dict[str, Any]] = {}  # on their way, as they are stored
        self._moved: dict[str, str] = {}
        self._read_up_to = 0

    def read(self) -> Past:
        try:
            self._refresh()
            open_ = {key: to_letter(stored, self._pictures) for key, stored in self._letters.items()}
        except (OSError, ValueError, KeyError, TypeError) as cause:
            raise _unusable(self.path, cause) from cause
        letters = {key: replace(self._records[key], letter=letter) for key, letter in open_.items()}
        return Past({**self._records, **letters}, dict(self._moved))

    def record(self, *entries: Entry) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            line = to_line(entries, self._pictures)
            with self.path.open("a+b") as file:
                _append(file, line)
        except OSError as cause:
            raise _unusable(self.path, cause) from cause

    def move(self, old: str, new: str, at: datetime) -> None:
        self.record(Entry((MOVED + old,), "sent", at, new))

    @contextmanager
    def alone(self, work: Work, wait: timedelta) -> Iterator[bool]:
        path = self.path.with_suffix(f".{work}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b")
        except OSError as cause:
            raise _unusable(path, cause) from cause
        with file:
            ours = _locked(file, wait)
            yield ours
            if ours and work == "sending":
                self._tidy()

    def _tidy(self) -> None:
        """Pictures that no letter needs any more go; without planning at the same time, so that none is new."""
        with self.alone("planning", timedelta(0)) as ours, suppress(OSError):
            if ours:
                letters = (each.letter for each in self.read().open() if each.letter)
                self._pictures.keep_only(b.image for each in letters for b in each.message.blocks if b.image)

    def _refresh(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read_up_to)
            whole = file.read().rpartition(b"\n")[0]
        for line in whole.splitlines():
            steps = json.loads(line)
            for step in steps if isinstance(steps, list) else [steps]:
                self._learn(step)
        self._read_up_to += len(whole) + 1 if whole else 0

    def _learn(self, step: dict[str, Any]) -> None:
        for key in step["keys"]:
            if key.startswith(MOVED):
                self._moved[key.removeprefix(MOVED)] = step["reference"]
            else:
                self._learn_of(key, step)

    def _learn_of(self, key: str, step: dict[str, Any]) -> None:
        stored, at = step.get("letter"), datetime.fromisoformat(step["at"])
        known = self._records.get(key)
        if known is None and stored:
            message = stored["message"]
            thread = message["episode"] or message["key"]
            known = Record(key, step["state"], at, stored["route"], thread, message["kind"])
        self._records[key] = follow(known, key, Entry((), step["state"], at, step.get("reference", "")))
        if stored:
            self._letters[key] = stored
        elif step["state"] != "sending":
            self._letters.pop(key, None)


def _locked(file: IO[bytes], wait: timedelta) -> bool:
    """Whether the lock was free within `wait`; closing the file, or dying, gives it back."""
    for attempt in range(max(int(wait / _STEP), 0) + 1):
        if attempt:
            time.sleep(_STEP.total_seconds())
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


_STEP = timedelta(milliseconds=50)


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
