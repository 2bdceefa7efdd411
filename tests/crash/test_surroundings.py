"""Trouble around a command: a full disk, a folder that is read-only, a clock that jumps, another process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.errors import UsageError
from assay.jobs.alerts import alerting
from assay.jobs.runs import materialize
from tests.crash import world

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
PREPARE = "import sys, pathlib; from tests.crash import kills; kills.prepare(pathlib.Path(sys.argv[1]))"
LOOK = """
import json, os, pathlib, sys
from tests.crash import kills
found = kills.look(pathlib.Path(sys.argv[1]))
print(json.dumps(found))
"""
PLATFORM = "from assay.cli.main import main; main()"


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def done(process: subprocess.Popen[str], code: int = 0) -> str:
    """What it wrote, on both outputs."""
    out, err = process.communicate(timeout=600)
    assert process.returncode == code, out + err
    return out + err


def run(folder: Path) -> subprocess.Popen[str]:
    return python(PLATFORM, *world.TYPED["run"], "-p", folder)


def look(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done(python(LOOK, folder)).splitlines()[-1])
    # the clock of these processes is the real one, and days are over by any
    return {name: found[name] for name in ("states", "dimension_values", "unfinished")}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("surroundings") / "base"
    done(python(PREPARE, folder))
    return folder


@pytest.fixture(scope="module")
def wanted(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two runs at the same moment leave: the other one waits, or is told by its PID who works, and comes again."""
    folder = tmp_path_factory.mktemp("surroundings") / "two"
    shutil.copytree(base, folder, symlinks=True)
    both = [run(folder), run(folder)]
    told = ["".join(each.communicate(timeout=600)) for each in both]
    worked = [each.pid for each in both if each.returncode == 0]
    for each, text in zip(both, told, strict=True):
        if each.returncode:  # a busy machine: the work took longer than one waits
            assert each.returncode == 3, text
            assert f"in use by process {worked[0]}" in text
            done(run(folder))
    return look(folder)


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Skips where nothing may be mounted, which takes root and a container that allows it."""
    made = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"this needs the right to mount a file system: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_two_at_once_end_as_one_after_the_other(wanted: dict[str, Any]) -> None:
    assert wanted["states"]
    assert wanted["unfinished"] == []


def test_a_full_disk_is_told_and_a_freed_one_heals(base: Path, wanted: dict[str, Any], tmp_path: Path) -> None:
    with mounted(tmp_path, "-t", "tmpfs", "-o", "size=40m", "tmpfs"):
        folder, filler = tmp_path / "project", tmp_path / "filler"
        shutil.copytree(base, folder, symlinks=True)
        before = look(folder)
        free = shutil.disk_usage(tmp_path).free
        filler.write_bytes(bytes(free - 300_000))
        told = done(run(folder), 3)
        assert "E508" in told
        assert "Free space" in told
        filler.unlink()
        assert world.torn(look(folder)["states"], before["states"], wanted["states"]) == []
        done(run(folder))
        assert look(folder) == wanted


def test_a_read_only_folder_is_told(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(base, folder, symlinks=True)
    with mounted(folder, "--bind", str(folder)):
        made = ["mount", "-o", "remount,bind,ro", str(folder)]
        if subprocess.run(made, capture_output=True, check=False).returncode:
            pytest.skip("this needs the right to mount a folder read-only")
        told = done(run(folder), 3)
    assert "E508" in told
    assert "Traceback" not in told


@pytest.fixture
def shop(lab: Any) -> Any:
    shop = lab.shop(dict(world.FILES), {}, now=world.NOW)
    shop.write("DROP DATABASE RAW")
    world.load(shop.write)
    return shop


JUMPS = [timedelta(0), timedelta(days=-3), timedelta(days=30), timedelta(hours=-2), timedelta(0)]


def test_a_clock_that_jumps_leaves_the_same_states(shop: Any) -> None:
    """Runs without dates, at moments that go back and forth, end in what one run at the last moment builds.

    Where the clock went back behind what is stored, there is nothing to build, and this is said.
    """
    materialize.run(shop.context, start=world.FIRST, end=world.END)
    wanted = world.days(shop.context)
    for table in ("measure_states", "builds"):
        shop.write(f"TRUNCATE TABLE {shop.context.database}.{table}")
    for jump in JUMPS:
        with suppress(UsageError):
            assert materialize.run(shop.at(world.NOW + jump)).ok
    found = world.days(shop.context)
    assert {name: found[name] for name in wanted} == wanted


def test_a_clock_that_jumps_says_nothing_twice(shop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for jump in JUMPS:
        at = world.NOW + jump
        alerting.check(replace(shop.context, now=at), at)
    titles = [line for line in capsys.readouterr().out.splitlines() if line.startswith("silence: ")]
    assert titles
    assert len(titles) == len(set(titles))
