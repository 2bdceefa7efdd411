"""Every attack of the corpus ends as it must, soon."""

from __future__ import annotations

import csv
import io
import os
import time
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml

from assay.catalog.expression import parse
from assay.catalog.query import parse_query
from assay.catalog.resolve import resolve
from assay.catalog.template import BadExpression, macros, quote_literal, render
from assay.cli.terminal import Harmless
from assay.config import render as shown_as
from assay.config import yaml
from assay.config.load import load
from assay.delivery import buttons
from assay.delivery.channels.outbox import folder_name
from assay.delivery.markup import html, plain, units
from assay.delivery.message import Block, Message
from assay.delivery.render import as_html
from assay.delivery.telegram_text import TEXT, parts
from assay.engine.clickhouse import _with_origin
from assay.engine.dsn import parse_dsn
from assay.engine.guard import refuse_statements
from assay.errors import CODES, AssayError, Diagnostic, Location, shown
from assay.report import charts, website
from assay.report import text as report_text
from assay.report.superset.bundle import _yaml as superset_yaml
from assay.statement import Statement
from dag_factory import store
from tests.report.conftest import wave
from tests.security import dom
from tests.security.corpus import ATTACKS, COUNTS, HARMLESS, Attack
from tests.security.hostile import hostile, sane

SECONDS = 20  # of any attack, on a machine that is busy with other things; alone, none takes three
CANARY = "secret-canary"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHA = "0" * 32
BASE = """
sources:
  feed: {table: feed, time: time, entities: {user: user_id}}
metrics:
  views: {type: count, source: feed}
"""
Entry = Callable[[Any, Path], Any]
_ENTRIES: dict[str, Entry] = {}


def entry(name: str) -> Callable[[Entry], Entry]:
    """Register how an attack knocks: it returns codes, nothing where no harm was done, or raises one of our errors."""

    def register(knock: Entry) -> Entry:
        _ENTRIES[name] = knock
        return knock

    return register


entry("template")(lambda text, _: _nothing(render(text, {"source": quote_literal, "literal": quote_literal})))
entry("macros")(lambda text, _: _nothing(macros(text, "metrics/macros/a.sql.j2")))
entry("expression")(lambda text, _: _nothing(parse(text)))
entry("query")(lambda text, _: _nothing(parse_query(text)))
entry("statement")(lambda text, _: refuse_statements(text, writes=False))
entry("yaml")(lambda content, _: [each.code for each in yaml.parse(content, "a.yaml").diagnostics])


def _nothing(_value: object) -> None:
    """It was taken."""


def project(root: Path, files: dict[str, str], settings: str = "name: t\n") -> list[str]:
    """The codes of everything that is wrong with a project of the base and some files."""
    for path, text in {"project.yaml": settings, "metrics/base.yaml": BASE, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return judged(root)


def judged(root: Path) -> list[str]:
    """What is said about a project also has to be printable."""
    loaded = load(root, use_cache=False)
    found = [*loaded.diagnostics, *resolve(loaded.definitions, loaded.broken)[1]]
    assert CANARY not in shown_as.text(found, shown_as.from_files(root))
    return [each.code for each in found]


@entry("definitions")
def _(text: str, root: Path) -> list[str]:
    return project(root, {"metrics/bad.yaml": text})


@entry("settings")
def _(text: str, root: Path) -> list[str]:
    return project(root, {}, text)


@entry("address")
def _(text: str, root: Path) -> None:
    try:
        parse_dsn(text, root)
    except AssayError as error:
        assert CANARY not in str(error)  # noqa: PT017 - what is raised is judged by the caller
        raise


@entry("site")
def _(text: str, _root: Path) -> None:
    found, usual = (dom.shapes(website.render(hostile(sane(), each)), each) for each in (text, "text"))
    assert found == usual


@entry("chart")
def _(text: str, _root: Path) -> None:
    def drawn(name: str) -> str:
        series = wave(400.0)
        return charts.sparkline(series, title=name, style="number") + charts.line_chart(
            [charts.Line(name, series)], title=name, style="number", width=600
        )

    assert dom.shape(drawn(text)) == dom.shape(drawn("text"))


def message(text: str) -> Message:
    return Message("k", text, text, (Block(text, text),), severity="critical", created=NOW, labels={"a": text})


@entry("letter")
def _(text: str, _root: Path) -> None:
    assert dom.shape(as_html(message(text), ["a.png"])) == dom.shape(as_html(message("text"), ["a.png"]))


@entry("superset")
def _(text: str, _root: Path) -> None:
    assert pyyaml.safe_load(superset_yaml({"a": text, "b": [text]})) == {"a": text, "b": [text]}


@entry("telegram")
def _(text: str, _root: Path) -> None:
    found = parts(message(text), (), ["@on_call"])
    assert len(found) <= 7
    for each in found:
        assert {name for name, *_ in dom.shape(html(each.runs))} <= {"b"}
        assert dom.text(html(each.runs)) == plain(each.runs)
        assert units(plain(each.runs)) <= TEXT


@entry("press")
def _(text: str, _root: Path) -> None:
    assert buttons.parse(text) is None


@entry("file name")
def _(text: str, root: Path) -> None:
    for name in (folder_name(text), *((website._path("x", text).removeprefix("x/"),) if len(text) < 200 else ())):
        assert "/" not in name
        assert not name.startswith(".")
        assert len(name.encode()) < 256
        (root / name).mkdir()


@entry("csv")
def _(text: str, _root: Path) -> None:
    written = report_text.csv(("value", "n"), [(text, -1.5)])
    assert list(csv.reader(io.StringIO(written, newline="")))[1] == [f"'{text}", "-1.5"]


def is_plain(text: str) -> bool:
    """Whether nothing in a line steers a terminal or turns its direction."""
    return not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") or each in "\u202e\u2066" for each in text)


@entry("table")
def _(text: str, _root: Path) -> None:
    lines = report_text.table(("value", "n"), [(text, 1), ("b", 2)]).split("\n")
    assert len(lines) == 5
    assert all(is_plain(line) and len(line) < 2_000 for line in lines)


@entry("diagnostic")
def _(text: str, _root: Path) -> None:
    found = Diagnostic("E001", text, text, text, Location(text, 1, 1))
    told = shown_as.text([found], lambda _: text), shown_as.short([found]), str(found), str(AssayError(found))
    assert [len(each.rstrip("\n").split("\n")) for each in told] == [7, 1, 3, 3]
    assert all(is_plain(line) and len(line) < 10_000 for each in told for line in each.split("\n"))
    assert shown_as.github([found]).count("\n") == 1


@entry("terminal")
def _(text: str, _root: Path) -> None:
    written = io.StringIO(newline="")
    Harmless(written).write(text)
    assert is_plain(written.getvalue())


@entry("origin comment")
def _(text: str, _root: Path) -> None:
    sql = _with_origin(Statement("SELECT 1", text, origin=Location(text)))
    refuse_statements(sql, writes=False)
    first, second = sql.split("\n")
    assert first.startswith("-- ")
    assert second == "SELECT 1"


@entry("secret")
def _(text: str, root: Path) -> None:
    assert CANARY not in shown(text)
    assert CANARY not in str(Diagnostic("E104", text, text, text))
    quoted = text.replace("'", "''")
    project(root, {"metrics/bad.yaml": f"metrics:\n  m: {{type: count, source: '{quoted}'}}\n"})
    project(root, {}, f"name: t\nwarehouse: '{quoted}'\n")


@entry("file")
def _(name: str, root: Path) -> list[str]:
    made = root / "project"
    project(made, {})
    _FILES[name](made)
    return judged(made)


def _outside(root: Path) -> Path:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "a.yaml").write_text(f"{CANARY}: 1\n", encoding="utf-8")
    return outside


def _linked_folder(root: Path) -> None:
    (root / "alerts").symlink_to(_outside(root))


def _megabytes(root: Path) -> None:
    with (root / "metrics" / "a.yaml").open("wb") as file:
        file.truncate(200_000_000)


# What stands in the place of a file of definitions.
_FILES: dict[str, Callable[[Path], Any]] = {
    "pipe": lambda root: os.mkfifo(root / "metrics" / "a.yaml"),
    "device": lambda root: (root / "metrics" / "a.yaml").symlink_to("/dev/null"),
    "endless device": lambda root: (root / "metrics" / "a.sql").symlink_to("/dev/zero"),
    "link in a circle": lambda root: (root / "metrics" / "a.yaml").symlink_to("a.yaml"),
    "link to nothing": lambda root: (root / "metrics" / "a.yaml").symlink_to("nothing.yaml"),
    "link out of the project": lambda root: (root / "metrics" / "a.yaml").symlink_to(_outside(root) / "a.yaml"),
    "link to SQL out of the project": lambda root: (root / "metrics" / "a.sql").symlink_to(_outside(root) / "a.yaml"),
    "folder linked out of the project": _linked_folder,
    "200 megabytes": _megabytes,
    "folder with the name of a file": lambda root: (root / "metrics" / "a.yaml").mkdir(),
    "name with a line end": lambda root: (root / "metrics" / "a\n::error::b.yaml").write_text(""),
}


@entry("manifest")
def _(content: bytes, root: Path) -> None:
    file = root / "target" / "manifest" / SHA / "shards" / "a.json"
    file.parent.mkdir(parents=True)
    (root / "project.yaml").write_text("name: t\n")
    file.write_bytes(content)
    file.parents[1].joinpath("manifest.json").write_bytes(content)
    file.parents[1].joinpath("errors.json").write_bytes(content)
    assert list(store.shards(root, SHA)) == []
    with pytest.raises(AssayError):
        store.read(root, SHA)
    store.shard(root, SHA, "a")


@entry("manifest name")
def _(name: str, root: Path) -> None:
    (root / "target" / "manifest").mkdir(parents=True)
    (root / "project.yaml").write_text("name: t\n")
    for read in (store.definitions, lambda *where: store.shard(*where, "a")):
        with pytest.raises(AssayError):
            read(root, name)
    (root / "target" / "manifest" / "current").write_bytes(name.encode())
    store.read(root)


def outcomes(attack: Attack, root: Path) -> Iterator[str]:
    """How an attack ended: every code that it was told, or `harmless`."""
    try:
        found = _ENTRIES[attack.entry](attack.payload, root)
    except BadExpression as error:
        found = [error.code]
    except AssayError as error:
        found = [each.code for each in error.diagnostics]
    yield from found or [HARMLESS]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.name)
def test_an_attack_ends_as_it_must(attack: Attack, tmp_path: Path) -> None:
    begin = time.monotonic()
    assert attack.outcome in set(outcomes(attack, tmp_path))
    assert time.monotonic() - begin < SECONDS


def test_every_attack_has_a_name_of_its_own() -> None:
    assert len({each.name for each in ATTACKS}) == len(ATTACKS) == sum(COUNTS.values()) >= 400
    assert {each.entry for each in ATTACKS} == _ENTRIES.keys()
    assert {each.outcome for each in ATTACKS} <= CODES.keys() | {HARMLESS}
