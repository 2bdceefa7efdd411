"""`forecast` and `impact` as they are typed: what is printed, and how the command ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from assay.cli.main import main
from assay.engine import Dsn, connect
from assay.statement import Statement

pytestmark = pytest.mark.warehouse


FILES = {
    "metrics/all.yaml": """
sources:
  app: {table: typed.events, time: at, entities: {user: user_id}, dimensions: {city: city}}
metrics:
  views: {type: count, source: app}
  nothing: {type: count, source: app, where: user_id < 0}
  later: {type: retention, cohort: fresh, returns: users, day: 1}
  users: {type: unique, source: app, of: user}
  fresh: {type: new, metric: users}
forecasts:
  load: {metrics: [views], models: [seasonal_naive, drift], above: 10, backtest: {metric: smape, windows: 3}}
  empty: {metrics: [nothing, views], models: [naive]}
events:
  first: {label: First of a kind, start: 2025-04-28, end: 2025-04-29}
  old: {start: 2025-03-10, end: 2025-03-11}
impacts:
  quiet: {metric: views, match: {city: A}, start: 2025-04-21, end: 2025-04-23, control_slices: 1}
  too_late: {metric: views, start: 2025-05-20, end: 2025-05-21}
"""
}
# Eight weeks up to 04-26: a week with more on working days, and noise that the hash repeats.
EVENTS = """CREATE TABLE typed.events ENGINE = MergeTree ORDER BY tuple() AS
SELECT toDateTime('2025-03-01 00:00:00', 'UTC') + INTERVAL day DAY + INTERVAL each MINUTE AS at,
  toUInt32(day * 1000 + each) AS user_id, ['A', 'B'][each % 2 + 1] AS city
FROM (SELECT number AS day, arrayJoin(range(400)) AS each FROM numbers(56))
WHERE each < if(day % 7 < 5, 300, 180) + cityHash64(day) % 40"""

Typed = Callable[..., Result]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("typed")
    settings = f"name: typed\nwarehouse: {{dsn: 'chdb://{root}/warehouse', database: typed_assay}}\n"
    for path, text in {"project.yaml": settings, **FILES}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    with connect(Dsn(path=root / "warehouse")) as engine:
        engine.run(Statement("CREATE DATABASE typed", "test", writes=True))
        engine.run(Statement(EVENTS, "test", writes=True))
    assert run(root, "run --from 2025-03-01 --to 2025-04-26").exit_code == 0
    return root


def run(root: Path, command: str) -> Result:
    return CliRunner(env={"ASSAY_DSN": ""}).invoke(main, [*command.split(), "--project", str(root)])


def test_a_forecast_is_a_table_with_its_past(root: Path) -> None:
    done = run(root, "forecast run load")
    assert done.exit_code == 0, done.output
    first, head, _, *days = done.stdout.splitlines()
    assert first == "load, views from 2025-04-26 on: seasonal_naive"
    assert head.split() == ["day", "forecast", "interval", "of", "90%"]
    assert [line.split()[:2] for line in days[:2]] == [["2025-04-26", "Sat"], ["2025-04-27", "Sun"]]
    assert re.search(r"^SMAPE \d+\.\d\d% over 3 windows \(seasonal_naive ", done.stdout, re.MULTILINE)
    assert "'First of a kind' is ahead and has never been seen: it is not in these numbers" in done.stdout
    assert "P(any day above 10) = 100.0%" in done.stdout


def test_a_backtest_stars_what_it_chose(root: Path) -> None:
    done = run(root, "forecast backtest load")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("load, views: 3 windows of 7 days, 2025-04-05 to 2025-04-26, expanding\n")
    assert re.search(r"^\* seasonal_naive ", done.stdout, re.MULTILINE)
    assert "* chosen: nothing beats it." in done.stdout
    table = json.loads(run(root, "forecast backtest load --format json").stdout)["forecasts"][0]
    for each in table["candidates"]:
        assert f"{each['scores']['smape']:.2%}" in done.stdout


def test_what_is_refused_is_told_after_the_rest(root: Path) -> None:
    done = run(root, "forecast run empty")
    assert done.exit_code == 2
    assert "empty, views from 2025-04-26 on: naive" in done.stdout
    assert "W601 The series is 0 on every day." in done.stderr
    assert done.stderr.count("  fix: ") == 1


def test_track_says_what_came(root: Path) -> None:
    before = run(root, "forecast track empty")
    assert before.exit_code == 0
    run(root, "forecast run load --until 2025-04-19")
    lines = run(root, "forecast track load").stdout.splitlines()
    (line,) = [each for each in lines if "2025-04-19" in each]
    assert "7 of 7" in line
    assert re.fullmatch(r"\d of 7 days \(\d+%\) lie inside intervals of 90%", lines[-1])


def test_track_before_any_run(root: Path) -> None:
    other = root / "metrics" / "more.yaml"
    other.write_text("forecasts: {never_run: {metrics: [views]}}\n", encoding="utf-8")
    done = run(root, "forecast track never_run")
    other.unlink()
    assert (done.exit_code, done.stdout) == (
        0,
        "Nothing of 'never_run' is stored. Run: platform forecast run never_run\n",
    )


def test_an_impact_says_what_could_be_seen_first(root: Path) -> None:
    done = run(root, "impact quiet")
    assert done.exit_code == 0, done.output
    first, visible, verdict, *_ = done.stdout.splitlines()
    assert first == "quiet: views, city A from 2025-04-21 to 2025-04-23, learnt from 2025-03-01 on"
    assert re.fullmatch(r"  the smallest effect that could have been seen: \d+\.\d %", visible)
    assert verdict.startswith("  no effect to tell from none; trust: ")
    assert "days of other events before it are left out: old" in done.stdout


def test_an_impact_that_is_refused_stops_no_other(root: Path) -> None:
    done = run(root, "impact")
    assert done.exit_code == 2
    assert done.stdout.startswith("quiet: ")
    assert "W601 The days of 'too_late' up to 2025-05-21 are not stored yet" in done.stderr


@pytest.mark.parametrize(
    "command", ["forecast run laod", "forecast backtest laod", "forecast track laod", "impact quit"]
)
def test_a_name_that_is_not_there(root: Path, command: str) -> None:
    done = run(root, command)
    assert done.exit_code == 2
    assert "E201" in done.stderr
    assert "Did you mean" in done.stderr


def test_nothing_is_defined(tmp_path: Path, root: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "project.yaml").write_text((root / "project.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "metrics/a.yaml").write_text(FILES["metrics/all.yaml"].split("forecasts:")[0], encoding="utf-8")
    for command, noun in (("forecast run", "forecast"), ("forecast backtest", "forecast"), ("impact", "impact")):
        done = run(tmp_path, command)
        assert (done.exit_code, done.stdout.partition(".")[0]) == (0, f"No {noun} is defined"), done.output


@pytest.fixture
def bare(tmp_path: Path, root: Path) -> Path:
    (tmp_path / "metrics").mkdir()
    for path in ("project.yaml", "metrics/all.yaml"):
        (tmp_path / path).write_text((root / path).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def test_new_definitions_by_flags(bare: Path) -> None:
    added = run(bare, "new forecast reach --metrics views --models ets,theta --above 500 --backtest-metric smape")
    assert added.exit_code == 0, added.output
    assert run(bare, "new impact push --metric views --match city=B --event first --control-slices 1").exit_code == 0
    text = (bare / "metrics" / "forecasts.yaml").read_text(encoding="utf-8")
    assert "  reach: {metrics: [views], models: [ets, theta], above: 500, backtest: {metric: smape}}" in text
    assert "  push: {metric: views, match: {city: B}, event: first, control_slices: 1}" in text
    refused = run(bare, "new forecast other --metrics views --models eats")
    assert refused.exit_code == 1
    assert "Unknown model 'eats'. Did you mean 'ets'?" in refused.stderr


@pytest.mark.parametrize("name", ["load", "quiet"])
def test_show_leads_to_the_metric(root: Path, name: str) -> None:
    done = run(root, f"show {name}")
    assert done.exit_code == 2
    assert f"E302 '{name}' has no SQL of its own." in done.stderr
    assert "fix: Run: platform show views" in done.stderr
