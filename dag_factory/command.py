"""`platform dags`: compile, list, check and compare the DAGs that Airflow loads. Airflow itself is not needed."""
# ruff: noqa: A002 - options are named as users type them

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from assay.cli import common
from assay.errors import DefinitionsError


@click.group("dags")
def command() -> None:
    """Compile the DAGs that Airflow loads."""


@command.command("compile")
@common.format_option("text", "json")
@common.project_option
@common.command
def compile_command(format: str, project: Path) -> None:
    """Write the manifest that Airflow loads. What is wrong keeps the DAGs that it had, marked stale."""
    from dag_factory.compile import compile_dags

    result = compile_dags(project)
    if format == "json":
        common.print_json(result.as_dict())
    else:
        stale = [each.dag_id for each in result.dags if each.stale]
        state = "compiled" if result.changed else "unchanged"
        click.echo(f"{len(result.dags)} DAGs {state} in {result.seconds:.2f} s: {result.manifest.sha}")
        _tell_errors(result.manifest.errors)
        if stale:
            click.echo(f"stale    {', '.join(stale)}", err=True)
    if result.manifest.errors:
        raise click.exceptions.Exit(DefinitionsError.exit_code)


def _tell_errors(errors: tuple[Mapping[str, Any], ...]) -> None:
    for each in errors:
        where = f"{each['path']}:{each['line']}:{each['column']}: " if each["path"] else ""
        click.echo(f"{where}{each['code']} {each['message']}\n  why: {each['why']}\n  fix: {each['fix']}", err=True)


@command.command("list")
@common.format_option("text", "json")
@common.project_option
@common.command
def list_command(format: str, project: Path) -> None:
    """Show the DAGs of the manifest in use."""
    from assay.config.root import find_root
    from dag_factory import store

    root = find_root(project)
    sha = store.read(root).sha
    dags = [each.as_dict() | {"schedule": str(each.schedule)} for each in store.shards(root, sha)]
    if format == "json":
        common.print_json({"sha": sha, "dags": dags})
        return
    _table(("dag_id", "schedule", "tasks", "defined in"), [_row(each) for each in dags])


def _row(dag: Mapping[str, Any]) -> tuple[str, ...]:
    tasks = ", ".join(each["task_id"] for each in dag["tasks"])
    return dag["dag_id"], dag["schedule"], tasks, f"{dag['path']}:{dag['line']}" + (" (stale)" if dag["stale"] else "")


def _table(headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from assay.report.text import table

    click.echo(table(headers, rows), nl=False)


@command.command("check")
@common.format_option("text", "json", "github", "short")
@common.project_option
@common.command
def check(format: str, project: Path) -> None:
    """Find every mistake in the definitions and in what Airflow would make of them. Nothing is written."""
    from assay.config import render
    from assay.config.root import find_root
    from dag_factory.compile import examine

    root = find_root(project)
    found = examine(root)
    if format == "text" and not found.errors:
        click.echo(f"{len(found.planned)} DAGs are right.")
        return
    shown = {
        "text": lambda: render.text(found.errors, render.from_files(root)),
        "json": lambda: render.as_json(found.errors, len(found.catalog.definitions)),
        "github": lambda: render.github(found.errors),
        "short": lambda: render.short(found.errors),
    }[format]()
    click.echo(shown, nl=False)
    if found.errors:
        raise click.exceptions.Exit(DefinitionsError.exit_code)


@command.command("pools")
@common.project_option
@common.command
def pools(project: Path) -> None:
    """Print the pools of the manifest in use, as `airflow pools import` reads them."""
    from assay.config.root import find_root
    from dag_factory import store

    click.echo(json.dumps(store.read(find_root(project)).pools_file(), indent=2))


@command.command("diff")
@common.format_option("text", "json")
@common.project_option
@common.command
def diff(format: str, project: Path) -> None:
    """Show how compiling now would change the DAGs of the manifest in use."""
    from assay.config.root import find_root
    from dag_factory.difference import difference

    changes = difference(find_root(project))
    if format == "json":
        common.print_json({"changes": [each.as_dict() for each in changes]})
        return
    for each in changes:
        click.echo(f"{each.what:<8} {each.dag_id}" + (f": {', '.join(each.fields)}" if each.fields else ""))
    if not changes:
        click.echo("No DAG would change.")
