"""What commands print with `--format json` against the published schemas, on a project with data, gaps and failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from assay.cli.main import main
from assay.engine import Dsn, connect
from assay.jobs.outputs.contracts import SCHEMAS
from assay.statement import Statement

FILES = {
    "metrics/all.yaml": """
sources:
  app:
    table: contract.events
    time: at
    entities: {user: user_id}
    dimensions: {city: city}
    checks: {accepted: {kind: [view, like]}}
metrics:
  views: {type: count, source: app, where: "kind = 'view'"}
  likes: {type: count, source: app, where: "kind = 'like'", owner: a-team}
  users: {type: unique, source: app, of: user}
  ctr: {type: ratio, numerator: likes, denominator: views}
  everything: {type: count, source: app, where: user_id < 0}
  mean_age: {type: mean, source: app, value: age}
""",
    "experiments/all.yaml": """
experiments:
  button:
    hypothesis: A larger button is liked more.
    assignment: {source: app, column: user_id % 2, variants: {control: 0, treatment: 1}}
    exposure: {source: app}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [ctr], secondary: [mean_age], guardrail: {views: -5%}}
    analysis: {cuped: 3d}
    validity: [srm, crossovers, distribution, day_stability]
  too_early:
    hypothesis: Nobody is in it.
    assignment: {source: app, column: user_id, variants: {control: 1000, treatment: 1001}}
    exposure: {source: app}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [ctr]}
""",
    "metrics/forecasts.yaml": """
forecasts:
  soon:
    metrics: [views, likes]
    horizon: 2d
    above: 500
    models: [seasonal_naive, drift]
    backtest: {min_train: 14d, windows: 3}
  constant: {metrics: [everything], horizon: 2d, backtest: {min_train: 14d}}
impacts:
  silence: {metric: ctr, start: 2025-03-14, end: 2025-03-15, controls: [users]}
  too_late: {metric: views, start: 2025-03-20, end: 2025-03-21}
""",
    "alerts/all.yaml": """
alerts:
  quick:
    {metrics: [views, ctr], every: 1h, by: [city], detector: {type: mad, history: 14d}, explain: [city], route: file}
routes: {file: {outbox: {path: target/outbox}}}
reports:
  daily: {title: Daily, route: file, blocks: [{type: cards, title: All, metrics: [views, ctr]}]}
dashboards: {main: {tabs: {all: {label: All, metrics: [views, ctr], by: [city]}}}}
""",
}
# 2025-02-20 to 03-15, 24 events per hour; nothing at all in the last hour before noon of 03-14.
EVENTS = """CREATE TABLE contract.events ENGINE = MergeTree ORDER BY tuple() AS
SELECT toDateTime(1740009600 + number * 150, 'UTC') AS at, toUInt32(cityHash64(number) % 80) AS user_id,
  if(cityHash64(number, 1) % 4 = 0, 'like', 'view') AS kind, ['A', 'B'][number % 2 + 1] AS city,
  if(number % 3 = 0, NULL, number % 50) AS age
FROM numbers(576 * 24) WHERE at < '2025-03-14 11:00:00' OR at >= '2025-03-14 12:00:00'"""

BACKTEST = "alert backtest --from 2025-03-13 --to 2025-03-"


@pytest.fixture(scope="module")
def root(lab_folder: Path) -> Path:
    root, warehouse = lab_folder / "contract", lab_folder / "warehouse"
    settings = f"name: contract\nwarehouse: {{dsn: 'chdb://{warehouse}', database: contract_assay}}\n"
    for path, text in {"project.yaml": settings, **FILES}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    with connect(Dsn(path=warehouse)) as engine:
        engine.run(Statement("CREATE DATABASE contract", "test", writes=True))
        engine.run(Statement(EVENTS, "test", writes=True))
    return root


def _print(root: Path, command: str, schema: str | None = None, code: int = 0) -> Any:
    """Run a command, check its exit code and its JSON, and return that."""
    result = CliRunner(env={"ASSAY_DSN": ""}).invoke(
        main, [*command.split(), "--format", "json", "--project", str(root)]
    )
    assert result.exit_code == code, result.output
    answer = json.loads(result.stdout, parse_constant=pytest.fail)
    name = schema or next(name for name in SCHEMAS if command.startswith(name))
    Draft202012Validator(SCHEMAS[name], format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer)
    return answer


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["properties"]["schema"] == {"const": 1}


WORDS = {
    "type", "enum", "const", "anyOf", "minimum", "maximum", "pattern", "required", "if", "then", "else", "not",
    "items", "properties", "additionalProperties",
}  # fmt: skip


def _schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and those inside it."""
    yield schema
    inside = [schema[name] for name in ("items", "if", "then", "else", "not", "additionalProperties") if name in schema]
    for each in (*inside, *schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        yield from _schemas(each)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_say_nothing_that_a_validator_would_pass_over(name: str) -> None:
    """Properties without 'properties' around them are unknown words, and would allow anything."""
    for each in _schemas(SCHEMAS[name]):
        assert each
        assert set(each) <= WORDS


def test_validate(root: Path, tmp_path: Path) -> None:
    assert _print(root, "validate") == {"schema": 1, "ok": True, "definitions": 17, "errors": [], "warnings": []}
    (tmp_path / "metrics").mkdir()
    (tmp_path / "project.yaml").write_text("name: broken\n", encoding="utf-8")
    (tmp_path / "metrics/a.yaml").write_text("metrics: {a: {type: count, source: b}}\n", encoding="utf-8")
    answer = _print(tmp_path, "validate", code=1)
    assert [each["code"] for each in answer["errors"]] == ["E201"]


@pytest.mark.parametrize(
    "kind", ["sources", "metrics", "experiments", "alerts", "routes", "reports", "detectors", "forecasts", "impacts"]
)
def test_list(root: Path, kind: str) -> None:
    assert _print(root, f"list {kind}")["items"]


@pytest.mark.parametrize("name", ["ctr", "app", "button", "quick"])
def test_show(root: Path, name: str) -> None:
    assert _print(root, f"show {name}")["sql"]


@pytest.fixture(scope="module")
def answer_of_run(root: Path) -> Any:
    return _print(root, "run --from 2025-03-01 --to 2025-03-15")


def test_run(answer_of_run: Any) -> None:
    assert answer_of_run["ok"]
    assert (answer_of_run["from"], answer_of_run["to"]) == ("2025-03-01", "2025-03-15")


def test_check(root: Path, answer_of_run: Any) -> None:
    answer = _print(root, "check --from 2025-03-01 --to 2025-03-03")
    assert [(each["subject"], each["first"], each["status"]) for each in answer["results"]] == [
        ("app", "2025-03-01", "passed"),
        ("app", "2025-03-02", "passed"),
    ]


def test_plan_and_apply(root: Path, answer_of_run: Any) -> None:
    first = _print(root, "plan", code=2)
    assert {each["class"] for each in first["changes"]} == {"new"}
    assert _print(root, "plan --price", code=2)["backfill"]["days"] == 0, "all is built already"
    assert _print(root, "apply")["ok"]
    assert _print(root, "plan") == {
        "schema": 1, "changes": [], "refused": [], "notes": [], "backfill": {"days": 0, "rows": 0}, "drops": []
    }  # fmt: skip
    file = root / "metrics" / "all.yaml"
    text = file.read_text(encoding="utf-8")
    renamed = text.replace("  mean_age: {", "  age: {renamed_from: mean_age, ")
    file.write_text(renamed.replace("kind = 'like'", "kind != 'view'"), encoding="utf-8")
    experiments = root / "experiments" / "all.yaml"
    before = experiments.read_text(encoding="utf-8")
    experiments.write_text(before.replace("[mean_age]", "[age]"), encoding="utf-8")
    found = {each["name"]: each["class"] for each in _print(root, "plan --price", code=2)["changes"]}
    assert found == {"likes": "meaning", "age": "renamed", "button": "text"}
    file.write_text(text, encoding="utf-8")
    experiments.write_text(before, encoding="utf-8")


def test_query_with_gaps(root: Path, answer_of_run: Any) -> None:
    rows = _print(root, "query views ctr mean_age --from 2025-02-27 --to 2025-03-03")["rows"]
    assert [row["value"] is None for row in rows] == [True, True, False, False] * 3
    assert _print(root, "query views ctr --by city --grain week --from 2025-03-03 --to 2025-03-14")["rows"]


def test_experiment_analyze(root: Path) -> None:
    answer = _print(root, "experiment analyze button")
    assert [result["metric"] for result in answer["results"]] == ["ctr", "mean_age", "views"]
    assert sum(answer["units"].values()) == 80


@pytest.mark.slow
def test_experiment_before_and_after(root: Path) -> None:
    assert _print(root, "experiment design button --mde 0.05")["curve"]
    assert _print(root, "experiment power button --effect 0.05 --n 40 --simulations 200")["power"] > 0
    assert _print(root, "experiment aa button --replays 200")["levels"]
    _print(root, "experiment analyze button")
    (first,) = _print(root, "experiment history button")["analyses"]
    assert first["verdict"] == _print(root, "experiment analyze button")["verdict"]


@pytest.mark.slow
def test_alert_backtest(root: Path) -> None:
    """Several alerts are a list; one is an object."""
    (found,) = _print(root, BACKTEST + "15", "alert backtest, several")["alerts"]
    assert found["incidents"]
    alone = _print(root, BACKTEST.replace("--", "quick --", 1) + "15")
    assert [each["code"] for each in alone["errors"]] == ["E514"]
    assert {name: alone[name] for name in found} == found
    tuned = _print(root, "alert tune quick --per-week 0.5 --from 2025-03-13 --to 2025-03-15")
    assert tuned["threshold"] > found["threshold"]


def test_alert_check(root: Path) -> None:
    answer = _print(root, "alert check --at 2025-03-14T12:00")
    assert answer["sent"] == 1
    assert {each["state"] for each in answer["firing"]} == {"firing"}
    assert _print(root, "alert check --at 2025-03-14T12:00")["suppressed"]
    assert "firing" not in {each["state"] for each in _print(root, "alert check --at 2025-03-12T12:00")["firing"]}


@pytest.fixture(scope="module")
def three_weeks(root: Path, answer_of_run: Any) -> None:
    _print(root, "run --from 2025-02-20 --to 2025-03-01")


def test_forecasts(root: Path, three_weeks: None) -> None:
    """What one metric refuses stands beside the others, and is the exit code."""
    views, likes, refused = _print(root, "forecast run", code=2)["forecasts"]
    assert [len(each["points"]) for each in (views, likes)] == [2, 2]
    assert views["peak"]["above"] == 500
    assert refused["error"]["code"] == "W601"
    found = _print(root, "forecast backtest soon")["forecasts"]
    assert [each["model"] for each in found[0]["candidates"]] == ["seasonal_naive", "drift"]
    _print(root, "forecast run soon --until 2025-03-13")
    runs = _print(root, "forecast track soon")["runs"]
    assert {each["made"]: len(each["days"]) for each in runs if each["metric"] == "views"}["2025-03-13"] == 2


def test_impact(root: Path, three_weeks: None) -> None:
    (found,) = _print(root, "impact silence")["impacts"]
    assert found["from"] == "2025-03-14"
    answer = _print(root, "impact", code=2)
    assert [each["impact"] for each in answer["impacts"]] == ["silence"]
    assert [each["code"] for each in answer["errors"]] == ["W601"]


def test_dags_compile(root: Path) -> None:
    answer = _print(root, "dags compile")
    found = {each["dag_id"] for each in answer["dags"]}
    assert {"metrics__app", "experiment__button", "alerts__1h", "report__daily"} <= found


def test_dashboards(root: Path, answer_of_run: Any, tmp_path: Path) -> None:
    (table,) = _print(root, "dashboards refresh")["tables"]
    assert table["table"] == "dash_main_all"
    answer = _print(root, f"dashboards export superset --out {tmp_path / 'boards.zip'}")
    assert answer["tables"] == [table]
    assert (tmp_path / "boards.zip").exists()


def test_report_send(root: Path, answer_of_run: Any) -> None:
    assert _print(root, "report send daily --date 2025-03-13 --dry-run")["deliveries"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("query vews --from 2025-03-01 --to 2025-03-02", 2),
        ("query views --from 2025-03-02 --to 2025-03-02", 2),
        ("query views --by country --from 2025-03-01 --to 2025-03-02", 2),
        ("experiment analyze too_early", 3),
        ("alert check nothing", 2),
        ("dashboards refresh nothing", 2),
        ("forecast run nothing", 2),
        ("forecast track nothing", 2),
        ("impact nothing", 2),
        ("show nothing", 2),
        ("run --from 2025-03-02 --to 2025-03-01", 2),
    ],
)
def test_failures(root: Path, command: str, code: int) -> None:
    _print(root, command, "error", code)


def test_a_failed_check_is_in_the_answer(root: Path) -> None:
    """And no answer has a value without a reason or a reason without its null."""
    warehouse = root.parent / "warehouse"
    bad = "INSERT INTO contract.events VALUES (toDateTime('2025-02-25 12:00:00', 'UTC'), 1, 'odd', 'A', 1)"
    with connect(Dsn(path=warehouse)) as engine:
        engine.run(Statement(bad, "test", writes=True))
    answer = _print(root, "run --from 2025-02-25 --to 2025-02-26", code=5)
    assert [step["name"] for step in answer["steps"] if step["status"] == "failed"] == ["app:1d", "app:1h"]
    assert not answer["ok"]
    assert "accepted kind: 1" in next(step["reason"] for step in answer["steps"] if step["status"] == "failed")
