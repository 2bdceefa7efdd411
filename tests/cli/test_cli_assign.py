"""`platform experiment assign` and `salt` as people and programs read them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from assay.cli.main import main
from assay.engine import Dsn, connect
from assay.jobs.outputs.contracts import SCHEMAS
from assay.statement import Statement
from assay.stats.assign import Split, assign

pytestmark = pytest.mark.slow

YAML = """
sources:
  app: {table: salted.events, time: at, entities: {user: user_id}}
metrics:
  views: {type: count, source: app, good: up}
experiments:
  button:
    hypothesis: It helps.
    assignment: {variants: {control: 50, treatment: 50}, traffic: 40%, layer: feed}
    exposure: {source: app}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [views]}
  column:
    hypothesis: The data decide.
    assignment: {source: app, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: app}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [views]}
"""
EVENTS = """CREATE TABLE salted.events ENGINE = MergeTree ORDER BY tuple() AS
SELECT toDateTime('2025-03-04 00:00:00', 'UTC') + number % 345600 AS at, toUInt32(cityHash64(number) % 2000) AS user_id
FROM numbers(20000)"""
SPLIT = Split("button", {"control": 50, "treatment": 50}, (0.0, 0.4), "feed")


@pytest.fixture(scope="module")
def root(lab_folder: Path) -> Path:
    root, warehouse = lab_folder / "salted", lab_folder / "warehouse"
    (root / "metrics").mkdir(parents=True)
    (root / "project.yaml").write_text(
        f"name: salted\nwarehouse: {{dsn: 'chdb://{warehouse}', database: salted_assay}}\n"
    )
    (root / "metrics/all.yaml").write_text(YAML)
    with connect(Dsn(path=warehouse)) as engine:
        engine.run(Statement("CREATE DATABASE salted", "test", writes=True))
        engine.run(Statement(EVENTS, "test", writes=True))
    return root


def platform(root: Path, *arguments: str, code: int = 0) -> Result:
    done = CliRunner(env={"ASSAY_DSN": ""}).invoke(main, ["experiment", *arguments, "--project", str(root)])
    assert done.exit_code == code, done.output
    assert "bug in Assay" not in done.output
    return done


def test_units_of_the_command_line(root: Path) -> None:
    units = [f"user-{n}" for n in range(12)]
    answer = json.loads(platform(root, "assign", "button", *units, "--format", "json").stdout)
    Draft202012Validator(SCHEMAS["experiment assign"]).validate(answer)
    assert [each["variant"] or "" for each in answer["units"]] == assign(SPLIT, units)
    assert (answer["salt"], answer["layer"], answer["traffic"]) == ("button", "feed", {"from": 0.0, "to": 0.4})
    lines = platform(root, "assign", "button", *units).stdout.splitlines()[2:]
    assert [line.split(maxsplit=1)[1].strip() for line in lines] == [
        variant or "not in the traffic" for variant in assign(SPLIT, units)
    ]


def test_units_of_a_file(root: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_bytes('\ufeffuser,city\n1001,Oslo\n"a,b",Bergen\n\nÅse,Bodø\n'.encode())
    done = platform(root, "assign", "button", "--file", str(tmp_path / "ids.csv"), "--header", "--format", "json")
    units = ["1001", "a,b", "Åse"]
    assert [each["variant"] or "" for each in json.loads(done.stdout)["units"]] == assign(SPLIT, units)


def test_csv(root: Path) -> None:
    units = [str(n) for n in range(30)]
    rows = list(csv.reader(io.StringIO(platform(root, "assign", "button", *units, "--format", "csv").stdout)))
    assert rows == [["unit", "variant"], *map(list, zip(units, assign(SPLIT, units), strict=True))]


def test_the_sql_says_the_same(root: Path, lab_folder: Path) -> None:
    sql = platform(root, "assign", "button", "--sql").stdout
    with connect(Dsn(path=lab_folder / "warehouse")) as engine:
        rows = engine.run(Statement(f"SELECT user_id, {sql} FROM salted.events LIMIT 500", "test")).rows
    assert [variant for _, variant in rows] == assign(SPLIT, [unit for unit, _ in rows])
    assert "transform(toString(arm)" in platform(root, "assign", "column", "--sql").stdout


def test_what_cannot_be_assigned(root: Path, tmp_path: Path) -> None:
    assert "the data decide" in platform(root, "assign", "column", "7", code=2).output
    assert "There are no units" in platform(root, "assign", "button", code=2).output
    assert "Did you mean 'button'" in platform(root, "assign", "buton", "7", code=2).output
    assert "cannot be read" in platform(root, "assign", "button", "--file", "nowhere.csv", code=2).output
    (tmp_path / "latin1.csv").write_bytes("Åse\n".encode("latin-1"))
    assert "UTF-8" in platform(root, "assign", "button", "--file", str(tmp_path / "latin1.csv"), code=2).output


def test_a_better_salt(root: Path) -> None:
    told = platform(root, "salt", "button", "--tries", "30", "--on", "2025-03-04..2025-03-08").stdout
    assert "30 salts tried" in told
    assert "Morgan and Rubin" in told
    answer = json.loads(platform(root, "salt", "button", "--tries", "30", "--format", "json").stdout)
    Draft202012Validator(SCHEMAS["experiment salt"]).validate(answer)
    assert answer["best"]["salt"] in told
    assert answer["best"]["imbalance"] <= answer["median"]
    assert answer["present"]["salt"] == "button"
    assert "2025-07-19..2025-07-26" in platform(root, "salt", "button", "--on", "yesterday", code=2).output
