"""`new`: a definition from flags, and from questions where somebody can answer them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from assay.cli import common
from assay.errors import DefinitionsError, Diagnostic, Location, UsageError

if TYPE_CHECKING:
    from assay.config.definitions import Definitions
    from assay.config.fields import Field

KINDS = {
    "metric": "Add a metric to metrics/SOURCE.yaml.",
    "experiment": "Add an experiment to experiments/NAME.yaml.",
    "alert": "Add an alert to alerts/alerts.yaml.",
    "forecast": "Add a forecast to metrics/forecasts.yaml.",
    "impact": "Add an impact to metrics/forecasts.yaml.",
}
ASKED = """What is required and missing is asked for on a terminal, and is a mistake elsewhere. Nothing that stands in
the file is touched, and nothing is written unless the project is valid with the new definition."""


class Kinds(click.Group):
    """A command per kind, made when it is asked for, with an option for every field."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(KINDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _command(cmd_name) if cmd_name in KINDS else None

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(KINDS.items()))


@click.group("new", cls=Kinds)
def command() -> None:
    """Add a metric, an experiment, an alert, a forecast or an impact to the project."""


def _command(noun: str) -> click.Command:
    from assay.config.fields import fields, types

    kind = f"{noun}s"
    known = types(kind)
    params: list[click.Parameter] = [click.Argument(["name"])]
    params += [click.Option(["--type", "type_"], type=click.Choice(known), help="What it is.")] if known else []
    params += [_option(each) for each in fields(kind)]
    params += [
        click.Option(["--file", "file_"], help="Another file of definitions, from the project's root."),
        click.Option(["-p", "--project", "project"], type=click.Path(path_type=Path), default=Path(), help="A folder."),
    ]

    @common.command
    def add(name: str, project: Path, file_: str | None = None, type_: str | None = None, **given: Any) -> None:
        texts = {each.path: found for each in fields(kind) if (found := _texts(given[_parameter(each)]))}
        _add(noun, name, type_, texts, file_, project)

    return click.Command(noun, params=params, callback=add, help=f"{KINDS[noun]}\n\n{ASKED}")


def _parameter(field: Field) -> str:
    return "field_" + "__".join(field.path)


def _option(field: Field) -> click.Option:
    return click.Option([field.option, _parameter(field)], multiple=field.many, metavar=field.form, help=field.help)


def _texts(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


def _add(
    noun: str,
    name: str,
    type_: str | None,
    texts: Mapping[tuple[str, ...], tuple[str, ...]],
    file: str | None,
    folder: Path,
) -> None:
    """Everything that is given, everything that is missing, the place, the trial, and only then the file."""
    from assay.config.append import added
    from assay.config.editor import FOLDER, schema_line, write_schemas

    definitions = common.load(folder).catalog.definitions
    _check_name(noun, name, definitions)
    body = _body(noun, name, type_, texts, definitions)
    path = _inside(file, definitions) if file else _place(noun, name, body, definitions)
    target = definitions.root / path
    is_new = not target.exists()
    before = f"{schema_line(path)}\n" if is_new else target.read_bytes().decode("utf-8")
    after = added(before, f"{noun}s", name, body)
    _try(definitions, path, after, (f"{noun}s", name))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(after.encode("utf-8"))
    if is_new or (definitions.root / FOLDER).exists():
        write_schemas(definitions.root)
    click.echo(f"Added the {noun} '{name}' to {path}.")


def _check_name(noun: str, name: str, definitions: Definitions) -> None:
    from assay.config.shape import Subject, bad_name
    from assay.config.yaml import Places

    nowhere = Places("", (1, 1, None, 1, 1))
    refused = bad_name(Subject(f"the {noun}", Location(""), nowhere, nowhere), name)
    if refused:
        raise UsageError.of(refused.code, refused.message, why=refused.why, fix=refused.fix)
    there = getattr(definitions, f"{noun}s").get(name)
    if there:
        raise UsageError.of(
            "E002",
            f"The {noun} '{name}' is already defined in {there.location}.",
            why="One of the two would silently win.",
            fix="Choose another name, or edit the one that is there.",
        )


def _body(
    noun: str,
    name: str,
    type_: str | None,
    texts: Mapping[tuple[str, ...], tuple[str, ...]],
    definitions: Definitions,
) -> dict[str, Any]:
    """The definition as YAML holds it, with answers to what was missing."""
    from assay.config.fields import fields, types

    known = types(f"{noun}s")
    if known and type_ is None:
        if not _interactive():
            raise _missing(noun, name, ["--type"], f"Types: {', '.join(known)}.")
        type_ = click.prompt("type", type=click.Choice(known), default=known[0])
    own = fields(f"{noun}s", type_ or "")
    every = {each.path: each for each in (*own, *fields(f"{noun}s"))}  # a field of another type is refused later
    values = {path: each.read(texts[path]) for path, each in every.items() if path in texts}
    _complete(noun, name, values, own, definitions)
    return ({"type": type_} if known else {}) | _nested({path: values[path] for path in every if path in values})


def _complete(
    noun: str, name: str, values: dict[tuple[str, ...], Any], own: Iterable[Field], definitions: Definitions
) -> None:
    """Adds what is required, from an answer where it was not given."""
    assigned = values.get(("assignment", "source"))
    if assigned is not None:
        values.setdefault(("exposure", "source"), assigned)  # a unit enters at a row that tells its variant
    lacking = [each for each in own if each.required and each.path not in values]
    if lacking and not _interactive():
        raise _missing(noun, name, [each.option for each in lacking], "")
    for each in lacking:
        if each.path not in values:
            values[each.path] = each.read((_ask(each, values, definitions),))


def _nested(values: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for (first, *rest), value in values.items():
        if rest:
            body.setdefault(first, {})[rest[0]] = value
        else:
            body[first] = value
    return body


def _interactive() -> bool:
    return sys.stdin.isatty()


def _missing(noun: str, name: str, options: list[str], more: str) -> UsageError:
    return UsageError.of(
        "E601",
        f"The {noun} '{name}' lacks {', '.join(options)}.",
        why=f"Nothing can be assumed in their place. {more}".strip(),
        fix=f"Add them, or answer on a terminal: platform new {noun} {name} {' … '.join(options)} …",
    )


def _ask(field: Field, values: Mapping[tuple[str, ...], Any], definitions: Definitions) -> str:
    if field.help:
        click.echo(f"  {field.help}")
    known = field.choices or _known(field.path[-1], values, definitions)
    label = " ".join(field.path)
    if known and (not field.many or "string" in field.forms):
        return str(click.prompt(label, type=click.Choice(known), default=known[0]))
    return str(click.prompt(f"{label} ({field.form})" if field.many else label))


def _known(word: str, values: Mapping[tuple[str, ...], Any], definitions: Definitions) -> tuple[str, ...]:
    """The names that a field may hold, by the word that means the same everywhere."""
    if word in ("source", "route"):
        return tuple(getattr(definitions, f"{word}s"))
    source = definitions.sources.get(values.get(("source",), ""))
    return tuple(source.spec.entities) if word == "of" and source else ()


def _inside(file: str, definitions: Definitions) -> str:
    """The path from the root of a file that is, or would be, read with the others."""
    from assay.config.root import PROJECT, YAML, inputs

    found = Path(os.path.normpath(definitions.root / file))
    path = found.relative_to(definitions.root).as_posix() if found.is_relative_to(definitions.root) else ""
    known = inputs(definitions.root, definitions.project.definitions)
    if not path.endswith(YAML) or path == PROJECT or (found.exists() and path not in known):
        raise _unread(file, definitions)
    return path


def _unread(file: str, definitions: Definitions) -> UsageError:
    return UsageError.of(
        "E601",
        f"Nothing is read from {file}.",
        why=f"Definitions stand in .yaml files below {', '.join(definitions.project.definitions)}.",
        fix="Name such a file with --file, or leave the option out.",
    )


def _place(noun: str, name: str, body: Mapping[str, Any], definitions: Definitions) -> str:
    """The conventional file, in a folder that the project reads."""
    from assay.config.base import NAME

    if noun == "metric":
        if re.fullmatch(NAME, str(body.get("source"))):  # anything else is no source, and no file name
            return _folder("metrics", definitions) + f"{body['source']}.yaml"
        return _beside(body, definitions) or _folder("metrics", definitions) + "metrics.yaml"
    if noun in ("forecast", "impact"):
        return _folder("metrics", definitions) + "forecasts.yaml"
    return _folder(f"{noun}s", definitions) + ("alerts.yaml" if noun == "alert" else f"{name}.yaml")


def _folder(wanted: str, definitions: Definitions) -> str:
    folders = [each.rstrip("/") for each in definitions.project.definitions]
    return f"{wanted if wanted in folders else folders[0]}/"


def _beside(body: Mapping[str, Any], definitions: Definitions) -> str | None:
    """The file of the first metric that a metric is made of."""
    named = re.findall(r"[a-z][a-z0-9_]*", " ".join(str(each) for each in body.values()))
    return next((definitions.metrics[each].location.path for each in named if each in definitions.metrics), None)


def _try(definitions: Definitions, path: str, text: str, wanted: tuple[str, str]) -> None:
    """Validates a copy of the project with the file as it would be. Raises DefinitionsError or UsageError E601."""
    from assay.config.root import inputs
    from assay.project import check

    with TemporaryDirectory(prefix="assay-") as made:
        copy = Path(made) / definitions.root.name
        for each, stat in inputs(definitions.root, definitions.project.definitions).items():
            if stat is not None:
                (copy / each).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(definitions.root / each, copy / each)
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(text.encode("utf-8"))
        for folder in definitions.project.definitions:
            (copy / folder).mkdir(parents=True, exist_ok=True)
        catalog, found, *_ = check(copy)
    _refuse([each for each in found if each.severity == "error"], path, text)
    if wanted[1] not in getattr(catalog.definitions, wanted[0]):
        raise _unread(path, definitions)


def _refuse(errors: list[Diagnostic], path: str, text: str) -> None:
    if errors:
        from assay.config import render

        shown = render.text(errors, lambda each: text if each == path else None)
        click.echo(f"{shown}Nothing was written to {path}.", err=True)
        raise click.exceptions.Exit(DefinitionsError.exit_code)
