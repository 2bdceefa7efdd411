"""`platform experiment report` as people use it, on a small warehouse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from assay.cli.main import main
from assay.engine import Dsn, connect
from assay.statement import Statement

pytestmark = pytest.mark.slow

YAML = """
sources:
  app:
    table: reported.events
    time: at
    entities: {user: user_id}
    columns: {at: DateTime('UTC'), user_id: UInt32, kind: String, arm: UInt8, os: String}
    dimensions: {os: os}
metrics:
  views: {type: count, source: app, where: "kind = 'view'", label: "Views <all>"}
  likes: {type: count, source: app, where: "kind = 'like'"}
  ctr: {type: ratio, numerator: likes, denominator: views, format: percent, good: up, label: Like rate}
experiments:
  button:
    label: A larger <button>
    hypothesis: A larger button is liked more.
    assignment: {source: app, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: app}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [ctr], guardrail: {views: -5%}}
    design: {mde: 0.02}
    analysis: {by: [os], sensitivity: [linearization]}
    validity: [srm, crossovers, day_stability]
  later:
    hypothesis: It has not begun.
    assignment: {source: app, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: app}
    start: 2099-01-01
    end: 2099-01-08
    metrics: {primary: [ctr]}
"""
# 2025-03-04 to 03-12, 400 users; in the second half a third of the treated users' views become likes, else a quarter
EVENTS = """CREATE TABLE reported.events ENGINE = MergeTree ORDER BY tuple() AS
SELECT toDateTime('2025-03-04 00:00:00', 'UTC') + number * 17 AS at, toUInt32(cityHash64(number) % 400) AS user_id,
  toUInt8(user_id % 2) AS arm, ['ios', 'android'][user_id % 3 = 0 ? 1 : 2] AS os,
  if(cityHash64(number, 1) % 12 < if(arm = 1 AND at >= '2025-03-08', 5, 3), 'like', 'view') AS kind
FROM numbers(40000)"""


@pytest.fixture(scope="module")
def root(lab_folder: Path) -> Path:
    root, warehouse = lab_folder / "reported", lab_folder / "warehouse"
    (root / "metrics").mkdir(parents=True)
    (root / "project.yaml").write_text(
        f"name: reported\nwarehouse: {{dsn: 'chdb://{warehouse}', database: reported_assay}}\n"
    )
    (root / "metrics/all.yaml").write_text(YAML)
    with connect(Dsn(path=warehouse)) as engine:
        engine.run(Statement("CREATE DATABASE reported", "test", writes=True))
        engine.run(Statement(EVENTS, "test", writes=True))
    return root


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["experiment", *arguments, "-p", str(root)])


def test_every_format_is_written_and_its_path_printed(root: Path) -> None:
    done = run(root, "report", "button")
    assert done.exit_code == 0, done.output
    paths = [root / "target/experiments" / f"button.{suffix}" for suffix in ("html", "md", "txt")]
    assert done.output.splitlines() == [str(path) for path in paths]
    page, document, summary = (path.read_text(encoding="utf-8") for path in paths)
    assert page.startswith("<!doctype html>")
    assert "A larger &lt;button&gt;" in page
    assert "Views &lt;all&gt;" in page
    assert "FROM reported.events" in page.replace("`", "")
    assert document.startswith(r"# A larger \<button\>")
    assert "| Like rate | primary | treatment |" in document
    assert len(summary.splitlines()) == 5


def test_the_numbers_are_those_of_the_analysis(root: Path) -> None:
    found = json.loads(run(root, "analyze", "button", "--format", "json").output)
    effect = found["results"][0]
    assert effect["relative"] > 0.5  # 5 ÷ 7 likes per view against 3 ÷ 9
    shown = run(root, "report", "button", "--format", "markdown").output
    assert f"+{100 * effect['relative']:.1f} %" in shown
    assert all(value in shown for value in found["hashes"].values())
    history = json.loads(run(root, "history", "button", "--format", "json").output)
    assert len(history["analyses"]) == 1  # the same analysis, whoever made it


def test_text_goes_to_the_standard_output_or_to_a_file(root: Path, tmp_path: Path) -> None:
    shown = run(root, "report", "button", "--format", "text")
    path = tmp_path / "new folder" / "said.txt"
    written = run(root, "report", "button", "--format", "text", "--out", str(path))
    assert written.output == f"{path}\n"
    assert path.read_text(encoding="utf-8") == shown.output


def test_out_names_the_page_or_the_folder(root: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run(root, "report", "button", "--out", str(page)).output == f"{page}\n"
    run(root, "report", "button", "--out", str(tmp_path / "all"))
    assert sorted(each.name for each in (tmp_path / "all").iterdir()) == ["button.html", "button.md", "button.txt"]
    assert page.read_text(encoding="utf-8") == (tmp_path / "all/button.html").read_text(encoding="utf-8")


def test_one_format_goes_to_the_folder_of_all(root: Path, tmp_path: Path) -> None:
    page = root / "target/experiments/button.html"
    page.unlink(missing_ok=True)
    assert run(root, "report", "button", "--format", "html").output == f"{page}\n"
    done = run(root, "report", "button", "--format", "text", "--out", str(tmp_path))
    assert done.output == f"{tmp_path / 'button.txt'}\n"


def test_a_place_that_takes_no_file_is_an_error_in_four_parts(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = run(root, "report", "button", "--out", str(tmp_path / "file" / "below.md"))
    assert done.exit_code == 2
    assert "E601" in done.output
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(("name", "code", "said"), [("buton", 2, "button"), ("later", 3, "starts on 2099-01-01")])
def test_what_cannot_be_reported_says_why(root: Path, name: str, code: int, said: str) -> None:
    done = run(root, "report", name)
    assert done.exit_code == code
    assert said in done.output
    assert not (root / f"target/experiments/{name}.html").exists()
