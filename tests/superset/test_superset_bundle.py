"""The bundle without Superset: required keys, ids, references, bytes, addresses and bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from assay.engine import parse_dsn
from assay.errors import UsageError
from assay.jobs.outputs.boards.superset import _refuse_password, _save, address
from assay.report.superset import BoardView, Measure, Panel, Source, bundle, pack

ODD = 'Rate "of" <b>likes</b> 🚀: it\'s'
SOURCE = Source("shop", "clickhousedb://reader@host:8123/assay", "assay")
USERS = Measure("users", "Users", "", "", "number", "max(users)", "max(users)", ("os",), ("users",))
RATE = Measure("ctr", ODD, ODD, "team", "percent", "max(ctr)", "max(ctr)", (), ("ctr", "ctr__numerator"))
VIEW = BoardView("dash_main_all", ODD, ODD, "team", (USERS, RATE), ("os",), SOURCE)

# Our own copy of what Superset 6.1 requires of each file.
REQUIRED = {
    "databases": {"database_name", "sqlalchemy_uri", "uuid", "version"},
    "datasets": {"table_name", "uuid", "version", "database_uuid", "columns", "metrics"},
    "charts": {"slice_name", "viz_type", "params", "query_context", "uuid", "version", "dataset_uuid"},
    "dashboards": {"dashboard_title", "position", "metadata", "uuid", "version", "slug"},
}


def files(view: BoardView = VIEW) -> dict[str, Any]:
    return {path: yaml.safe_load(text) for path, text in bundle([view]).items()}


def of_kind(kind: str, view: BoardView = VIEW) -> list[Any]:
    return [body for path, body in files(view).items() if path.startswith(f"assay/{kind}/")]


@pytest.mark.parametrize("kind", REQUIRED)
def test_required_keys(kind: str) -> None:
    found = of_kind(kind)
    assert found
    assert all(REQUIRED[kind] <= set(body) and body["version"] == "1.0.0" for body in found)


def test_metadata_names_assets() -> None:
    assert files()["assay/metadata.yaml"]["type"] == "assets"


def test_references_lead_to_files() -> None:
    (database,), (dataset,), (board,) = (of_kind(kind) for kind in ("databases", "datasets", "dashboards"))
    charts = of_kind("charts")
    assert dataset["database_uuid"] == database["uuid"]
    assert {chart["dataset_uuid"] for chart in charts} == {dataset["uuid"]}
    placed = [each["meta"] for each in board["position"].values() if isinstance(each, dict) and each["type"] == "CHART"]
    assert {each["uuid"] for each in placed} == {chart["uuid"] for chart in charts}
    assert len({each["chartId"] for each in placed}) == len(charts) == 4
    names = {metric["metric_name"] for metric in dataset["metrics"]}
    asked = {name for chart in charts for query in context(chart)["queries"] for name in query["metrics"]}
    assert asked <= names
    assert not names & {column["column_name"] for column in dataset["columns"]}


PANELS = (
    Panel("line", ODD, ("users", "ctr")),
    Panel("heatmap", "Users by os", ("users",), "os"),
    Panel("table", "Users of each os", ("users",), "os", 5),
    Panel("lifecycle", "Life", ("life",)),
    Panel("cohort", ODD, ("back",), style="percent"),
)


def test_blocks_read_what_is_there() -> None:
    found = files(replace(VIEW, panels=PANELS, words=(ODD,)))
    datasets = {body["uuid"]: body for path, body in found.items() if path.startswith("assay/datasets/")}
    assert {each["table_name"] for each in datasets.values()} == {
        VIEW.table,
        f"{VIEW.table}_weeks",
        f"{VIEW.table}_cohorts",
    }
    charts = [body for path, body in found.items() if path.startswith("assay/charts/")]
    assert len(charts) == 4 + len(PANELS)
    for chart in charts:
        dataset, (query,) = datasets[chart["dataset_uuid"]], context(chart)["queries"]
        columns = {each["column_name"] for each in dataset["columns"]}
        asked = {each if isinstance(each, str) else each["sqlExpression"] for each in query["columns"]}
        assert asked | {each["col"] for each in query["filters"]} <= columns
        assert set(query["metrics"]) <= {each["metric_name"] for each in dataset["metrics"]}
        assert {each["subject"] for each in chart["params"]["adhoc_filters"]} <= columns


def test_rows_are_full_and_blocks_have_their_own_slices() -> None:
    (board,) = of_kind("dashboards", replace(VIEW, panels=PANELS, words=(ODD,)))
    placed = {name: each for name, each in board["position"].items() if isinstance(each, dict)}
    rows = [[placed[name]["meta"] for name in each["children"]] for each in placed.values() if each["type"] == "ROW"]
    assert all(sum(each["width"] for each in row) <= 12 for row in rows)
    assert rows[-1][0]["code"] == ODD
    numbers = {meta["sliceName"]: meta["chartId"] for row in rows for meta in row if "chartId" in meta}
    _, chosen = board["metadata"]["native_filter_configuration"]
    assert numbers["Users"] not in chosen["scope"]["excluded"], "a number is of the slice that is chosen"
    assert {numbers["Life"], numbers["Users by os"], numbers["Users of each os"]} <= set(chosen["scope"]["excluded"])


def context(chart: dict[str, Any]) -> Any:
    return json.loads(chart["query_context"])


def test_the_slice_filter_is_required_and_spares_charts_by_dimension() -> None:
    (board,) = of_kind("dashboards")
    time, chosen = board["metadata"]["native_filter_configuration"]
    assert time["filterType"] == "filter_time"
    assert chosen["controlValues"]["enableEmptyFilter"] is True
    assert chosen["controlValues"]["multiSelect"] is False
    assert chosen["defaultDataMask"]["filterState"]["value"] == ["all"]
    placed = [each for each in board["position"].values() if isinstance(each, dict) and each["type"] == "CHART"]
    charts = {each["meta"]["chartId"]: each for each in placed}
    spared = {charts[at]["meta"]["sliceName"] for at in chosen["scope"]["excluded"]}
    assert spared == {"Users by os", "By os, latest"}


def test_a_metric_without_the_dimension_is_not_in_its_charts() -> None:
    (table,) = [chart for chart in of_kind("charts") if chart["viz_type"] == "table"]
    assert table["params"]["metrics"] == ["latest_users"]


def test_odd_texts_come_through() -> None:
    (board,) = of_kind("dashboards")
    assert board["dashboard_title"] == ODD
    assert ODD in {chart["slice_name"] for chart in of_kind("charts")}


def test_same_definitions_same_bytes() -> None:
    first, second = pack(bundle([VIEW])), pack(bundle([VIEW]))
    assert first == second
    assert ZipFile(BytesIO(first)).namelist() == list(bundle([VIEW]))


def test_ids_stay_with_names_when_texts_change() -> None:
    renamed = replace(VIEW, title="New", measures=(replace(USERS, label="People"), RATE))
    for kind in REQUIRED:
        assert [body["uuid"] for body in of_kind(kind)] == [body["uuid"] for body in of_kind(kind, renamed)]


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("clickhouse://me:secret@host:8123/product", "clickhousedb://me@host:8123/product"),
        ("clickhouses://me:secret@host/product", "clickhousedb://me@host:8443/product?secure=true"),
        ("chdb:///a b/warehouse", "clickhousedb:///?interface=chdb&path=/a%20b/warehouse"),
    ],
)
def test_addresses_hold_no_password(dsn: str, expected: str) -> None:
    assert address(parse_dsn(dsn)) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "clickhousedb://me:secret@host/db",
        "clickhousedb://me@host/db?password=secret",
        "postgresql://host/db",
        "clickhousedb://[host",
    ],
)
def test_addresses_that_are_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="E601") as error:
        _refuse_password(uri)
    assert "secret" not in str(error.value)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="E601"):
        _save(b"", tmp_path / "file" / "board.zip")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
