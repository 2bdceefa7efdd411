"""The database and the wide tables, as Superset knows them."""

from __future__ import annotations

from typing import Any

from assay.report.superset.views import BoardView, Measure, Source

VERSION = "1.0.0"
PEOPLE, VALUE = "people", "value_of_cell"  # metrics of the tables of weeks and of cohorts
DATABASE = "clickhouse"  # the name of its file and folder


def database(source: Source) -> dict[str, Any]:
    return {
        "database_name": f"Assay: {source.project}",
        "sqlalchemy_uri": source.uri,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": source.uuid,
        "version": VERSION,
    }


def datasets(view: BoardView) -> dict[str, dict[str, Any]]:
    """Table: its dataset."""
    found = {view.table: _wide(view)}
    if view.weeks:
        found[view.weeks] = _weeks(view)
    return found | ({view.cohorts: _cohorts(view)} if view.cohorts else {})


def _wide(view: BoardView) -> dict[str, Any]:
    text = f"{view.title}: a row per day and slice. Slices of different dimensions overlap."
    columns = [*_keys(), *(_number(name) for each in view.measures for name in each.columns)]
    metrics = [metric for each in view.measures for metric in (_exact(each), _latest(each))]
    return _dataset(view, view.table, text, "day", columns, metrics)


def _weeks(view: BoardView) -> dict[str, Any]:
    columns = [_time("week", "Week"), _text("metric", "Lifecycle"), _text("part", "Part"), _number("value")]
    people = "if(count() = 1, max(if(part = 'churned', -value, value)), NULL)"
    text = f"{view.title}: lifecycles, a row per week and part."
    return _dataset(
        view, view.weeks, text, "week", columns, [_plain(PEOPLE, "People; below zero those who left", people)]
    )


def _cohorts(view: BoardView) -> dict[str, Any]:
    life = _column("day", "UInt16") | {"verbose_name": "Day of life", "groupby": True}
    numbers = [_number(name) for name in ("value", "numerator", "denominator")]
    columns = [_time("cohort", "Cohort"), _text("metric", "Metric"), life, _text("name", "Cohort and size"), *numbers]
    text = f"{view.title}: a row per cohort and day of its life."
    one = _plain(VALUE, "Of the cohort on its day", "if(count() = 1, max(value), NULL)")
    return _dataset(view, view.cohorts, text, "cohort", columns, [one])


def _dataset(
    view: BoardView, table: str, text: str, time: str, columns: list[dict[str, Any]], metrics: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "table_name": table,
        "main_dttm_col": time,
        "description": text,
        "schema": view.source.schema,
        "sql": None,
        "extra": _certified(view.owner),
        "columns": columns,
        "metrics": metrics,
        "uuid": view.dataset_of(table),
        "database_uuid": view.source.uuid,
        "version": VERSION,
    }


def _keys() -> list[dict[str, Any]]:
    told = {"slice": "Slice", "dimension": "Dimension", "value": "Value"}
    return [_time("day", "Day"), *(_text(name, label) for name, label in told.items())]


def _time(name: str, label: str) -> dict[str, Any]:
    return _column(name, "Date") | {"verbose_name": label, "is_dttm": True, "groupby": True}


def _text(name: str, label: str) -> dict[str, Any]:
    return _column(name, "String") | {"verbose_name": label, "groupby": True}


def _number(name: str) -> dict[str, Any]:
    return _column(name, "Nullable(Float64)")


def _column(name: str, kind: str) -> dict[str, Any]:
    return {
        "column_name": name,
        "type": kind,
        "is_dttm": False,
        "is_active": True,
        "groupby": False,
        "filterable": True,
    }


def _exact(measure: Measure) -> dict[str, Any]:
    return _metric(measure, measure.value, measure.label, measure.exact)


def _latest(measure: Measure) -> dict[str, Any]:
    return _metric(measure, measure.newest, f"{measure.label}, latest", measure.latest)


def _metric(measure: Measure, name: str, label: str, expression: str) -> dict[str, Any]:
    told = {"description": measure.description or None, "d3format": measure.format, "extra": _certified(measure.owner)}
    return _plain(name, label, expression) | told


def _plain(name: str, label: str, expression: str) -> dict[str, Any]:
    return {"metric_name": name, "verbose_name": label, "metric_type": None, "expression": expression}


def _certified(owner: str) -> dict[str, Any]:
    return {"certification": {"certified_by": owner, "details": "Defined in this project's files"}} if owner else {}
