"""`site serve`: a built folder, to this machine only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.cli.main import main


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose site is one page; a secret lies beside it."""
    (tmp_path / "project.yaml").write_text("name: p\nwarehouse: {dsn: chdb://target/warehouse}\n")
    site = tmp_path / "target" / "site"
    (site / "metrics").mkdir(parents=True)
    (site / "index.html").write_text("<title>Ours</title>")
    (site / "metrics" / "index.html").write_text("<title>Metrics</title>")
    (site / "assets").mkdir()
    (tmp_path / "target" / "secret.txt").write_text("secret")
    return tmp_path


@pytest.fixture
def served(project: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    command = [sys.executable, "-c", "from assay.cli.main import main; main()", "site", "serve", "--port", "0"]
    environ = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, "-p", str(project)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[0]
        process.kill()


def read(address: str) -> tuple[int, str]:
    """The status and the text."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_it_serves_the_pages_and_nothing_else_until_ctrl_c(served: tuple[subprocess.Popen[str], str]) -> None:
    process, address = served
    assert address.startswith("http://127.0.0.1:")
    assert read(address) == (200, "<title>Ours</title>")
    assert read(f"{address}metrics/") == (200, "<title>Metrics</title>")
    assert read(f"{address}missing.html")[0] == 404
    assert read(f"{address}%2e%2e/secret.txt")[0] == 404
    assert read(f"{address}assets/")[0] == 404  # no list of what a folder holds
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "stopped\n")
    assert "Traceback" not in err


def test_it_listens_on_this_machine_only(served: tuple[subprocess.Popen[str], str]) -> None:
    port = int(served[1].rstrip("/").rpartition(":")[2])
    with socket.socket() as other:  # another address of the loopback: free, unless all were taken
        other.bind(("127.0.0.2", port))


def serve(project: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["site", "serve", "-p", str(project), *arguments])
    assert result.exit_code == 2
    return result.output


def test_a_taken_port_is_a_mistake_with_a_way_out(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = serve(project, "--port", str(taken.getsockname()[1]))
    assert "E601" in said
    assert "--port 0" in said


def test_without_a_site_it_says_what_to_run(project: Path, tmp_path: Path) -> None:
    said = serve(project, "--folder", str(tmp_path / "nowhere"))
    assert "E601" in said
    assert "platform site build" in said
