"""The schema that editors use agrees with what loading accepts and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from assay.config.definitions import KINDS
from assay.config.schema import json_schema, project_schema
from assay.config.yaml import parse

REPOSITORY = Path(__file__).parents[2]
FILES = sorted(path for name in ("metrics", "experiments", "alerts") for path in (REPOSITORY / name).rglob("*.yaml"))
BAD = sorted((REPOSITORY / "tests/bad").glob("E10[1235]_*.yaml"))
VALIDATOR = Draft202012Validator(json_schema())


def problems(path: Path) -> list[str]:
    return [each.message for each in VALIDATOR.iter_errors(parse(path.read_bytes(), path.name).data)]


def test_the_schemas_are_schemas() -> None:
    Draft202012Validator.check_schema(json_schema())
    Draft202012Validator.check_schema(project_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_demo_agrees(path: Path) -> None:
    assert problems(path) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_shapes_are_refused(path: Path) -> None:
    assert problems(path)


@pytest.mark.parametrize(
    "text",
    [
        "metrics: []",
        "metrics: {Views: {type: count, source: feed}}",
        "metrics: {m: {type: rolling, metric: dau, window: 7 days}}",
        "metrics: {m: {type: quantile, source: feed, value: x, level: 95}}",
        "sources: {s: {table: 'a b', time: t, entities: {user: u}}}",
        "sources: {s: {table: t, time: t, entities: {User: u}}}",
        "sources: {s: {table: t, time: t, entities: {user: u}, dimensions: {os: {top: many}}}}",
        "alerts: {a: {metrics: [m], route: r, confirm: often}}",
        "forecasts: {f: {metrics: []}}",
        "forecasts: {f: {metrics: [m], models: [{trend: flat}]}}",
        "forecasts: {f: {metrics: [m], backtest: {windows: 1}}}",
        "impacts: {i: {metric: m, event: e, prior: strong}}",
    ],
)
def test_wrong_values_are_refused(text: str) -> None:
    assert not VALIDATOR.is_valid(parse(text.encode(), "f.yaml").data)


def test_the_settings_of_the_demo_agree() -> None:
    settings = parse((REPOSITORY / "project.yaml").read_bytes(), "project.yaml").data
    assert Draft202012Validator(project_schema()).is_valid(settings)
    assert not Draft202012Validator(project_schema()).is_valid({**settings, "sead": 1})


def test_every_kind_is_described() -> None:
    sections = json_schema()["properties"]
    assert sections.keys() == KINDS.keys()
    assert all(each["description"] for each in sections.values())


def test_defaults_are_written_as_people_write_them() -> None:
    alert = json_schema()["$defs"]["AlertSpec"]["properties"]
    assert (alert["every"]["default"], alert["confirm"]["default"]) == ("15m", None)
