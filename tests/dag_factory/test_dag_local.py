"""The processes of a local Airflow, without Airflow: who ends, what stays, and who may begin."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from assay.errors import AssayError, UsageError
from dag_factory import local
from dag_factory.compile import compile_dags
from dag_factory.services import Service, members

# A child in a process group of its own, as Airflow's tasks are; then it waits like its parent.
FAMILY = """
import os, time
if os.fork() == 0:
    os.setpgid(0, 0)
print("ready", flush=True)
time.sleep(60)
"""


def start(folder: Path, script: str) -> Service:
    with (folder / "lock").open("wb") as lock:
        return Service.start("worker", [sys.executable, "-c", script], os.environ, folder / "log", lock.fileno())


def wait(service: Service, lines: int) -> None:
    end = time.monotonic() + 20
    while service.tail().count("ready") < lines:
        assert time.monotonic() < end, service.tail()
        time.sleep(0.02)


def test_a_process_that_ends_is_named_with_its_last_words(tmp_path: Path) -> None:
    service = start(tmp_path, "print('no such table'); raise SystemExit(3)")
    service.process.wait(20)
    with pytest.raises(AssayError, match=r"worker has ended with 3(.|\n)*no such table"):
        service.check()


def test_the_end_takes_children_that_left_the_group(tmp_path: Path) -> None:
    service = start(tmp_path, FAMILY)
    wait(service, 2)
    service.check()
    assert len(members(service.process.pid)) == 2
    service.end(patience=10)
    assert members(service.process.pid) == []


def test_a_second_airflow_of_a_project_is_refused(shop: Path) -> None:
    compile_dags(shop)
    home = shop / "target" / "airflow"
    home.mkdir(parents=True)
    with local._alone(home), pytest.raises(UsageError, match="E806"), local.running(shop):
        pass


def test_a_process_that_outlives_its_starter_keeps_the_lock(tmp_path: Path) -> None:
    with local._alone(tmp_path) as lock:
        service = Service.start("worker", [sys.executable, "-c", FAMILY], os.environ, tmp_path / "log", lock)
        wait(service, 2)
    with pytest.raises(UsageError, match="E806"), local._alone(tmp_path):
        pass
    service.end(patience=10)
    with local._alone(tmp_path):
        pass


def test_a_port_that_is_taken_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert local.free_port(port) not in (port, 0)
