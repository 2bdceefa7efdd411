"""Random attacks: what comes in is either taken or refused in our words, and what goes out is what it seems.

    python -m tests.security.fuzz --seconds 600 [--only expression] [--seed 1]

`test_fuzz.py` runs a bounded, seeded number of the same; `EXECUTIONS` counts them.
"""

# ruff: noqa: E501 - attacks are as long as they are
from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from assay.catalog.expression import parse
from assay.catalog.query import _GENERATORS, parse_query
from assay.catalog.resolve import resolve
from assay.catalog.template import LIMIT, BadExpression, quote_literal, render
from assay.config.load import load
from assay.delivery.markup import html, plain, units
from assay.delivery.message import Block, Message
from assay.delivery.telegram_text import CAPTION, TEXT, parts
from assay.report import website
from tests.security import dom
from tests.security.hostile import hostile, sane

ROOT = Path(__file__).resolve().parents[2]
EXECUTIONS: Counter[str] = Counter()
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_SECONDS = 20.0  # that one execution may take on a busy machine
_BASE = (
    "sources:\n  feed: {table: t, time: time, entities: {user: user_id}}\nmetrics:\n  n: {type: count, source: feed}\n"
)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where it happens: an empty project, and chDB itself, which runs whatever it is given."""

    project: Path
    raw: Any
    table_functions: frozenset[str]

    def tree(self, sql: str) -> list[str]:
        """The nodes of ClickHouse's own tree of a statement, indented; none if it is not ClickHouse's SQL."""
        try:
            return str(self.raw.query(f"EXPLAIN AST {sql}", "TSVRaw")).splitlines()
        except RuntimeError:
            return []


@dataclass(frozen=True, slots=True)
class Property:
    """What is tried, and what must hold for it; `examples` is the number of a whole run of the suite."""

    values: st.SearchStrategy[Any]
    holds: Callable[[Ground, Any], None]
    examples: int


# --- what is tried


@cache
def _lines() -> list[str]:
    """Every line of the definitions that we have, right and wrong."""
    files = sorted([*ROOT.glob("tests/bad/*.yaml"), *ROOT.glob("metrics/*.yaml"), *ROOT.glob("alerts/*.yaml")])
    found = {line for file in files for line in file.read_text("utf-8", "replace").split("\n")}
    return sorted(found)


_ODD = st.sampled_from([
    "", "- ", "  ", "\t", "&a ", "*a", "!!python/none ", "{{ x }}", "${X}", "null", "~", "[", "]", "{", "}", "'", '"',
    "|", ">", "? ", ": ", "%YAML 1.1", "---", "...", "\x00", "\x1b", "\u2028", "\ufeff", "é", "🔴", "9" * 400, "<<: ", "0x",
    "metrics:", "sources:", "alerts:", "type: count", "window: 99999999w", "expr: n", "label: ", "source: feed", "-1",
])  # fmt: skip
_YAML = st.lists(
    st.one_of(
        st.deferred(lambda: st.sampled_from(_lines())), st.builds("{}{}".format, _ODD, _ODD), st.text(max_size=12)
    ),
    max_size=14,
).map("\n".join)
_BYTES = st.one_of(_YAML.map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=40))

_WORDS = st.sampled_from([
    "a", "b", "`c d`", "t", "db.t", "1", "0.5", "'x'", "''", "'a\\'", "'", '"', "`", "(", ")", "[", "]", "{", "}", ",", ";",
    ".", "=", "!=", "<", "+", "-", "*", "/", "%", "||", "?", ":", "::", "->", "@", "#", "--", "/*", "*/", "\\", "$$", "$a$",
    "IN", "NOT IN", "GLOBAL IN", "AND", "OR", "NOT", "IS NULL", "LIKE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "END",
    "SELECT", "FROM", "WHERE", "UNION ALL", "WITH", "AS", "JOIN", "USING", "VALUES", "TABLE", "EXISTS", "ANY", "ALL",
    "INTERVAL 1 DAY", "DISTINCT", "OVER", "SETTINGS x = 1", "FORMAT CSV", "INTO OUTFILE 'x'", "LIMIT 1", "if", "sum",
    "length", "now", "url", "file", "remote", "s3", "numbers", "view", "merge", "executable", "getSetting", "dictGet",
    "joinGet", "arrayJoin", "tuple", "in", "CAST", "x -> x", "COLUMNS('a')", "{p:String}", "system.users", "assay__a", "‘",
    "”", "\n", "\0", "\x0b", "é", "0x1", "1e999",
])  # fmt: skip
_SQL = st.lists(_WORDS, min_size=1, max_size=9).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)
_CALLS = st.builds("{}({}, {})".format, _WORDS, _WORDS, _WORDS)
_NESTED = st.builds("{} {} ({} {})".format, _WORDS, _WORDS, _WORDS, _SQL)
_EXPRESSIONS = st.one_of(_SQL, _CALLS, _NESTED, st.text(max_size=20))
_QUERIES = st.builds("SELECT {} AS a FROM {} WHERE {}".format, _WORDS, st.one_of(_WORDS, _CALLS), _EXPRESSIONS)

_PIECES = st.sampled_from([
    "{{", "}}", "{%", "%}", "{#", "#}", "{{ a }}", "{{ 'b'|upper }}", "for x in 'abc'", "{% for x in [1, 2, 3] %}",
    "{% for x in 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}", "{% endfor %}", "{% if x %}", "{% else %}", "{% endif %}",
    "{{ x }}", "{{ x|sort|join(',') }}", "{{ loop.index }}", "{{ a.__class__ }}", "{{ a()|literal }}", "|ident", "|round(99)",
    "~", "+", "**", "*", "(", ")", "[", "]", "'", '"', "1", "9" * 300, "range", "literal", "{{ literal(x) }}", "{% set x = 1 %}",
    "{% macro f() %}", "{% endmacro %}", "{% raw %}", "{% endraw %}", " ", "\n", "é", "text",
])  # fmt: skip
_TEMPLATES = st.lists(_PIECES, max_size=16).map("".join)

_PARTS = st.sampled_from(
    ["<b>", "</b>", "<", ">", "&", "&amp;", '"', "'", "*", "🔴", "é", " ", "\n\n", "\n", "x" * 900, "\0", "\ud83d"]
)
_SAID = st.one_of(st.lists(_PARTS, min_size=1, max_size=12).map("".join), st.text(max_size=40))
_MESSAGES = st.builds(
    Message, st.just("k"), _SAID, _SAID, st.lists(st.builds(Block, _SAID, _SAID), max_size=4).map(tuple),
    severity=st.sampled_from(["info", "warning", "critical"]), created=st.just(_NOW),
)  # fmt: skip
_MARKUP = st.sampled_from(["<", ">", "'", '"', "&", "`", "script", "</script>", "onload=", "<!--", "-->", "]]>", "{{", "%}",
                           "javascript:", "\\", "\u2028", "\0", "x", " ", "/", "=", "&#60;", "<svg>"])  # fmt: skip
_NAMES = st.lists(_MARKUP, min_size=1, max_size=8).map("".join)


# --- what must hold


def _loader(ground: Ground, content: bytes) -> None:
    (ground.project / "metrics" / "random.yaml").write_bytes(content)
    loaded = load(ground.project, use_cache=False)
    catalog, found = resolve(loaded.definitions, loaded.broken)
    assert "n" in catalog.metrics or loaded.diagnostics
    assert all(each.location and each.location.line > 0 for each in (*loaded.diagnostics, *found))


def _expression(ground: Ground, text: str) -> None:
    try:
        sql = parse(text).sql
    except BadExpression as refused:
        assert refused.code in ("E401", "E402", "E403")  # noqa: PT017 - either outcome is right
        return
    tree = ground.tree(f"SELECT 1, ({sql}), 2")
    if tree:
        assert _beside(tree) == 3, sql
        assert not _named(tree, "Subquery", "TableExpression", "TableFunction", "TableIdentifier", "Set", "Asterisk"), (
            sql
        )
        assert _named(tree, "SelectQuery") == 1, sql


def _query(ground: Ground, text: str) -> None:
    try:
        sql = parse_query(text).sql
    except BadExpression as refused:
        assert refused.code in ("E401", "E402", "E403")  # noqa: PT017 - either outcome is right
        return
    tree = ground.tree(f"SELECT a FROM (\n{sql}\n)")
    called = {line.split()[1].lower() for line in tree if "Function" in line and _is_table(tree, line)}
    assert not (called & ground.table_functions) - _GENERATORS, sql
    assert not _named(tree, "Set", "Insert"), sql


def _template(_ground: Ground, text: str) -> None:
    try:
        assert len(render(text, {"a": "value", "literal": quote_literal})) <= LIMIT
    except BadExpression as refused:
        assert refused.code == "E403"  # noqa: PT017 - either outcome is right


def _message(_ground: Ground, message: Message) -> None:
    found = parts(message, (), ["@on_call"])
    assert len(found) <= 7
    for each in found:
        said = html(each.runs)
        assert set(dom.shape(said)) <= {("b",)}
        assert dom.text(said) == plain(each.runs)
        assert units(dom.text(said)) <= TEXT
    assert units(plain(parts(message, (b"picture",), ())[0].runs)) <= CAPTION


def _site(_ground: Ground, name: str) -> None:
    assert dom.shapes(website.render(hostile(sane(), name)), name) == _usual()


@cache
def _usual() -> dict[str, object]:
    return dom.shapes(website.render(hostile(sane(), "name")), "name")


def _named(tree: list[str], *kinds: str) -> int:
    return sum(line.split()[0] in kinds for line in tree if line.split())


def _is_table(tree: list[str], line: str) -> bool:
    """Whether a function stands in the place of a table."""
    return tree[tree.index(line) - 1].strip().startswith("TableExpression")


def _beside(tree: list[str]) -> int:
    """How many values the outermost SELECT has: the children of its first list."""
    at = next(index for index, line in enumerate(tree) if line.strip().startswith("SelectQuery"))
    children = tree[at + 1].partition("(children ")[2]
    return int(children.rstrip(")"))


PROPERTIES: Mapping[str, Property] = {
    "loader": Property(_BYTES, _loader, 400),
    "expression": Property(_EXPRESSIONS, _expression, 700),
    "query": Property(_QUERIES, _query, 300),
    "template": Property(_TEMPLATES, _template, 400),
    "message": Property(_MESSAGES, _message, 200),
    "site": Property(_NAMES, _site, 15),
}


def execute(ground: Ground, name: str, examples: int, number: int = 0) -> None:
    """Try a property on so many values; the same number is the same values."""
    tried = PROPERTIES[name]

    def once(value: Any) -> None:
        EXECUTIONS[name] += 1
        begin = time.monotonic()
        tried.holds(ground, value)
        assert time.monotonic() - begin < _SECONDS

    bounded = settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )  # fmt: skip
    seed(number)(bounded(given(tried.values)(once)))()


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """An empty project and a database in a folder."""
    import chdb

    (folder / "metrics").mkdir(parents=True)
    (folder / "project.yaml").write_text("name: t\n")
    (folder / "metrics" / "base.yaml").write_text(_BASE)
    raw = chdb.connect(str(folder / "raw"))
    listed = str(raw.query("SELECT lower(name) FROM system.table_functions", "TSVRaw"))
    yield Ground(folder, raw, frozenset(listed.split()))
    raw.close()


def main() -> None:
    """Random values until the time is over; the first that breaks a property ends it, made small."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--only", choices=PROPERTIES)
    asked.add_argument("--seed", type=int, default=1)
    given_ = asked.parse_args()
    end, number = time.monotonic() + given_.seconds, given_.seed
    with TemporaryDirectory() as folder, ground(Path(folder) / "project") as here:
        while time.monotonic() < end:
            for name in [given_.only] if given_.only else PROPERTIES:
                execute(here, name, max(PROPERTIES[name].examples // 4, 5), number)
            number += 1
    sys.stdout.write("".join(f"{name}: {count:,} executions\n" for name, count in EXECUTIONS.items()))


if __name__ == "__main__":
    main()
