"""A whole Airflow on this machine, with the project's DAGs: `make airflow`, or `python -m dag_factory.local`.

SQLite, LocalExecutor, loopback only. Everything is in <target>/airflow, and all settings in its airflow.cfg, so another
terminal reaches it with `AIRFLOW_HOME=<target>/airflow airflow …`. Variables AIRFLOW__… win over the file, as always.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from configparser import ConfigParser
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click

from assay.cli import common
from assay.config.root import find_root, target
from assay.errors import AssayError, UsageError
from dag_factory import store
from dag_factory.compile import compile_dags
from dag_factory.services import Service

PORT = 8080
PARALLELISM = 4  # tasks at a time: a task is a process of about 200 MB
PATIENCE = 180.0  # seconds until everything is there, on a busy machine
FAREWELL = 20.0  # seconds for the tasks under way to end
_STEP = 0.25


@dataclass(frozen=True, slots=True)
class Airflow:
    """A local Airflow. `environ` is what its processes and commands live in, `lock` the file that only one of them
    may hold."""

    home: Path
    address: str
    environ: Mapping[str, str]
    lock: int
    services: list[Service] = field(default_factory=list)

    def run(self, *arguments: str) -> str:
        """What an `airflow` command prints. Raises AssayError E806 when it fails."""
        done = subprocess.run(  # noqa: S603 - our own command
            _airflow(*arguments), env=self.environ, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        if done.returncode:
            raise _failed(f"'airflow {' '.join(arguments)}' failed: {(done.stdout + done.stderr)[-3000:]}")
        return done.stdout

    def start(self, name: str, *options: str) -> None:
        """Start one of Airflow's processes, and go on at once."""
        log = self.home / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        self.services.append(Service.start(name, _airflow(name, *options), self.environ, log, self.lock))

    def wait(self, ready: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Wait until something is so. Raises AssayError E806 when it takes too long, or a process ends meanwhile."""
        end = time.monotonic() + patience
        while not ready():
            self.check()
            if time.monotonic() > end:
                tails = "\n".join(f"--- {each.name}\n{each.tail()}" for each in self.services)
                raise _failed(f"After {patience:.0f} s there is no {what}.\n{tails}")
            time.sleep(_STEP)

    def check(self) -> None:
        """Raises AssayError E806 when one of the processes has ended."""
        for each in self.services:
            each.check()

    def health(self) -> dict[str, Any]:
        """What Airflow says about its parts; empty before it answers."""
        try:
            with urlopen(f"{self.address}/api/v2/monitor/health", timeout=5) as answer:  # noqa: S310 - loopback
                found: dict[str, Any] = json.load(answer)
                return found
        except (URLError, OSError):
            return {}

    def healthy(self, *parts: str) -> bool:
        found = self.health()
        return bool(found) and all(found[each]["status"] == "healthy" for each in parts)

    @property
    def password(self) -> str:
        """Of the user `admin`, made by the first start."""
        found: dict[str, str] = json.loads((self.home / "simple_auth_manager_passwords.json.generated").read_bytes())
        return found["admin"]

    def stop(self) -> None:
        """End everything: the scheduler first, whose tasks still report to the server."""
        for each in reversed(self.services):
            each.end(FAREWELL)
        self.services.clear()


@contextmanager
def running(folder: Path, port: int = 0, environ: Mapping[str, str] = os.environ) -> Iterator[Airflow]:
    """An Airflow with the DAGs of a project that was compiled, on this port, or on a free one.

    Raises UsageError E806 when there is one already, AssayError E806 when it does not come up.
    """
    root = find_root(folder)
    home = target(root) / "airflow"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)  # the file of settings holds a secret
    with _alone(home) as lock:
        address = _configure(home, port or free_port())
        own = {**environ, "AIRFLOW_HOME": str(home), store.PROJECT_VARIABLE: str(root)}
        airflow = Airflow(home, address, own, lock)
        try:
            _start(airflow, root)
            yield airflow
        finally:
            airflow.stop()


@contextmanager
def _alone(home: Path) -> Iterator[int]:
    """Hold the lock of a home. Every process started from here holds it too, so that none is forgotten."""
    with (home / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError.of(
                "E806",
                f"An Airflow runs in {home} already.",
                why="Two schedulers on one SQLite file would disturb each other.",
                fix=f"Stop it; `fuser {home / 'lock'}` names its processes.",
            ) from None
        yield lock.fileno()


def free_port(wanted: int = PORT) -> int:
    """A port of loopback that nobody uses: this one if possible."""
    for port in (wanted, 0):
        with socket.socket() as found, suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(("127.0.0.1", port))
            return int(found.getsockname()[1])
    raise _failed("There is no free port.")


def _configure(home: Path, port: int) -> str:
    """Write Airflow's settings; returns its address."""
    address = f"http://127.0.0.1:{port}"
    parser = ConfigParser(interpolation=None)
    parser.read_dict(_settings(home, address, port))
    with (home / "airflow.cfg").open("w", encoding="utf-8") as output:
        output.write("# Written anew by every start of dag_factory.local.\n")
        parser.write(output)
    return address


def _settings(home: Path, address: str, port: int) -> dict[str, dict[str, Any]]:
    return {
        "core": {
            "dags_folder": Path(__file__).parent,
            "load_examples": False,
            "executor": "LocalExecutor",
            "parallelism": PARALLELISM,
            "execution_api_server_url": f"{address}/execution/",
        },
        "database": {"sql_alchemy_conn": f"sqlite:///{home}/airflow.db"},
        "api": {"host": "127.0.0.1", "port": port, "base_url": address},
        "api_auth": {"jwt_secret": secrets.token_hex(32)},  # one for all processes, or tasks are refused
        "logging": {"base_log_folder": home / "logs"},
    }


def _start(airflow: Airflow, root: Path) -> None:
    """Everything in its order: tables, the server, what the server is asked by."""
    airflow.run("db", "migrate")
    airflow.start("api-server")
    _import_pools(airflow, root)
    airflow.wait(lambda: airflow.healthy("metadatabase"), "answer of the api-server")
    parts = ("dag-processor", "scheduler")
    for each in parts:
        airflow.start(each, *(["--skip-serve-logs"] if each != "dag-processor" else []))
    airflow.wait(lambda: airflow.healthy(*(each.replace("-", "_") for each in parts)), f"healthy {' and '.join(parts)}")


def _import_pools(airflow: Airflow, root: Path) -> None:
    path = airflow.home / "pools.json"
    path.write_text(json.dumps(store.read(root).pools_file()), encoding="utf-8")
    airflow.run("pools", "import", str(path))


def _airflow(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "airflow", *arguments]


def _failed(what: str) -> AssayError:
    return AssayError.of(
        "E806", what, why="Airflow needs all of its processes.", fix="Correct what it says, and start again."
    )


@click.command("airflow")
@click.option("--port", type=int, default=0, help=f"Where it listens (default: {PORT}, or another if that is taken).")
@common.project_option
@common.command
def command(port: int, project: Path) -> None:
    """Run Airflow on this machine with the project's DAGs, until Ctrl-C."""
    _end_on_signals()
    root = find_root(project)
    compiled = compile_dags(root)
    click.echo(f"{len(compiled.dags)} DAGs. Airflow starts; the first time takes a minute or two.")
    with suppress(KeyboardInterrupt), running(root, port) as airflow:
        click.echo(_welcome(airflow, root))
        while True:
            airflow.check()
            time.sleep(1)
    click.echo("Airflow has stopped.")


def _end_on_signals() -> None:
    """One Ctrl-C or SIGTERM ends everything; more of them do not disturb that."""

    def end(*_: Any) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)


def _welcome(airflow: Airflow, root: Path) -> str:
    lines = [
        f"Airflow  {airflow.address}",
        f"log in   admin, {airflow.password}",
        f"commands AIRFLOW_HOME={airflow.home} {sys.executable} -m airflow …",
        "DAGs are paused until you switch them on. Ctrl-C stops everything.",
    ]
    return "\n".join([*lines, *_what_is_missing(root)])


def _what_is_missing(root: Path) -> Iterator[str]:
    if store.read(root).errors:
        yield "Some definitions are wrong: run `platform dags check`."
    if not _has_data(root):
        yield "There is no data yet: run `platform demo` for some."


def _has_data(root: Path) -> bool:
    """Whether the warehouse is there; a server is taken to be."""
    from assay.project import Project, check

    try:
        path = Project(check(root).catalog).dsn.path
    except AssayError:
        return False
    return path is None or path.is_dir()


if __name__ == "__main__":
    command()
