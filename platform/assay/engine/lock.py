"""One process at a time may open an embedded database: a file lock with a bounded wait and a clear refusal."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import EngineBusy, WarehouseError

_STEP = 0.05  # seconds; a process adds a share of its PID so that waiters do not knock in step


@contextmanager
def exclusive(path: Path, wait: float = 10.0) -> Iterator[None]:
    """Hold `<path>.lock` while inside.

    `wait` is in seconds. Raises EngineBusy (E503), naming the holder's PID, when the lock stays taken;
    WarehouseError (E508) when the folder cannot be written.
    """
    handle = _open(Path(f"{path}.lock"))
    try:
        _acquire(handle, path, time.monotonic() + wait)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)  # closing releases the lock, as does any death of the process


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise WarehouseError.of(
            "E508",
            f"The folder of the embedded database cannot be written: {error.strerror}.",
            why="The database and its lock are files there.",
            fix=f"Make {path.parent} writable, or point the DSN elsewhere.",
        ) from error


def _acquire(handle: int, path: Path, deadline: float) -> None:
    step = _STEP * (1 + os.getpid() % 97 / 97)
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise _busy(handle, path) from None
            time.sleep(step)


def _busy(handle: int, path: Path) -> EngineBusy:
    holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
    return EngineBusy.of(
        "E503",
        f"The embedded database {path} is in use by process {holder}.",
        why="chDB lets one process open a folder at a time, readers included.",
        fix="Wait for that process, stop it, or use a ClickHouse server for shared work.",
    )
