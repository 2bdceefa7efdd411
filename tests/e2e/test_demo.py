"""`platform demo` as a newcomer runs it, and what the product promises about its numbers."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("project.yaml", "metrics", "experiments", "alerts")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the fixture runs the whole demo


def platform(*arguments: str, folder: Path) -> str:
    command = [sys.executable, "-c", "from assay.cli.main import main; main()", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    found = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr + found.stdout
    return found.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the demo project, with everything run on it, and what the command said."""
    folder = tmp_path_factory.mktemp("demo")
    for part in PARTS:
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    return folder, platform("demo", folder=folder)


def answer(folder: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(platform(*arguments, "--format", "json", folder=folder))
    return found


def test_the_conclusions_are_said_in_plain_words(demo: tuple[Path, str]) -> None:
    _, said = demo
    assert "Experiment 'Posts liked by similar users': ship" in said
    assert "Experiment 'Posts similar to liked posts': blocked" in said
    assert re.search(r"Explained by city: (Moscow|St Petersburg|Novosibirsk|Yekaterinburg)", said)
    assert "Alerts at 2025-08-13 12:00\n  quiet" in said


def test_the_outage_fires_names_four_cities_and_is_said_once(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    found = answer(folder, "alert", "check", "--at", "2025-08-24T12:00")
    cities = {"Moscow", "St Petersburg", "Novosibirsk", "Yekaterinburg"}
    told = [set(each["by"]["city"]) for firing in found["firing"] for each in firing["explained_by"]]
    assert told
    assert all(each == cities for each in told)
    assert found["sent"] == 0, "the demo sent it already"


def test_similar_users_recovers_the_planted_effect(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    found = answer(folder, "experiment", "analyze", "similar_users")
    (ctr,) = [each for each in found["results"] if each["metric"] == "ctr" and each["slice"] is None]
    assert ctr["low"] < 0.0164 < ctr["high"]
    assert {gate["name"]: gate["status"] for gate in found["gates"]}["srm"] == "pass"
    assert {gate["name"]: gate["status"] for gate in found["gates"]}["crossovers"] == "pass"
    assert found["verdict"] == "ship"


def test_query_and_the_sites_cards_agree(demo: tuple[Path, str]) -> None:
    """The card shows the formatted value of the very number that `query` prints."""
    from assay.report.format import show

    folder, _ = demo
    platform("site", "build", "--date", "2025-08-27", "--out", "cards", folder=folder)
    rows = answer(
        folder, "query", "dau", "ctr", "feed_dau", "views", "likes", "--from", "2025-08-20", "--to", "2025-08-28"
    )
    last = {row["metric"]: row["value"] for row in rows["rows"] if row["time"] == "2025-08-27"}
    formats = {"ctr": "percent"}
    pages = {"dau": "index.html", "ctr": "index.html"}
    for metric, value in last.items():
        page = (folder / "cards" / pages.get(metric, "tabs/feed.html")).read_text()
        assert html.escape(show(value, formats.get(metric, "number"))) in page  # type: ignore[arg-type]


def test_every_message_is_whole(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    messages = [each for each in (folder / "target/demo/outbox").iterdir() if each.is_dir()]
    assert len(messages) >= 3
    for message in messages:
        assert {"message.txt", "message.html", "message.json"} <= {each.name for each in message.iterdir()}
        assert all(each.read_bytes().startswith(b"\x89PNG") for each in message.glob("*.png"))
