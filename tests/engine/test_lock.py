"""One process at a time, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.engine import Dsn, connect
from assay.engine.lock import exclusive
from assay.errors import EngineBusy, WarehouseError

HOLD = """
import sys, time
from pathlib import Path
from assay.engine.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Starts processes that hold the lock of a folder for some seconds."""
    started: list[subprocess.Popen[str]] = []

    def start(path: Path, seconds: float = 60) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def test_a_second_process_is_told_who_holds_it(tmp_path: Path, hold: Hold) -> None:
    holder = hold(tmp_path / "w")
    begun = time.monotonic()
    with pytest.raises(EngineBusy) as caught, connect(Dsn(path=tmp_path / "w"), wait=0.3):
        raise AssertionError("opened twice")
    assert 0.3 <= time.monotonic() - begun < 3
    (told,) = caught.value.diagnostics
    assert told.code == "E503"
    assert f"process {holder.pid}" in told.message
    assert caught.value.exit_code == 3


def test_waiting_pays_off(tmp_path: Path, hold: Hold) -> None:
    hold(tmp_path / "w", 0.3)
    with exclusive(tmp_path / "w", wait=20):
        assert Path(f"{tmp_path}/w.lock").read_text() == str(os.getpid())


def test_a_killed_holder_frees_it(tmp_path: Path, hold: Hold) -> None:
    holder = hold(tmp_path / "w")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with exclusive(tmp_path / "w", wait=0):
        pass


def test_one_process_cannot_hold_it_twice_either(tmp_path: Path) -> None:
    with exclusive(tmp_path / "w"):
        with pytest.raises(EngineBusy), exclusive(tmp_path / "w", wait=0):
            pass
        with exclusive(tmp_path / "other", wait=0):
            pass
    with exclusive(tmp_path / "w", wait=0):
        pass


def test_an_exception_inside_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "w"):
        raise ZeroDivisionError
    with exclusive(tmp_path / "w", wait=0):
        pass


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WarehouseError) as caught, exclusive(tmp_path / "file" / "w"):
        pass
    assert caught.value.diagnostics[0].code == "E508"
