from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.catalog.expression import BadExpression, parse
from assay.catalog.functions import BARE, BLOCKS, ELSEWHERE, FORBIDDEN, ON_SERVERS, SERVER, TABLES
from assay.catalog.template import quote_identifier, quote_literal, render


@pytest.fixture(scope="module")
def chdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    import chdb

    handle = chdb.connect(str(tmp_path_factory.mktemp("expression") / "raw"))
    yield handle
    handle.close()


def lines(chdb: Any, sql: str) -> list[str]:
    return str(chdb.query(sql, "TSVRaw")).splitlines()


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("action = 'view'", "action"),
        ("a = 1 AND (b OR NOT c)", "a b c"),
        ("if(gender = 1, 'f', 'm')", "gender"),
        ("gender = 1 ? 'f' : 'm'", "gender"),
        ("x IN ('a', 'b')", "x"),
        ("(a, b) IN ((1, 2), (3, 4))", "a b"),
        ("x NOT IN [1, 2]", "x"),
        ("CASE WHEN a > 1 THEN b ELSE 0 END", "a b"),
        ("arrayExists(x -> x > limit_, tags)", "limit_ tags"),
        ("arrayMap((x, y) -> x + y, a, b)[1]", "a b"),
        ("map['k'] + pair.1", "map pair"),
        ("toStartOfHour(time, 'Europe/Moscow')", "time"),
        ("CAST(a AS UInt8) + b::Float64", "a b"),
        ("a BETWEEN 1 AND 2", "a"),
        ("`odd_name` = \"another_one\"", "odd_name another_one"),
        ("utm = 'a--b;/*c'", "utm"),
        ("dictGet('cities', 'name', city_id)", "city_id"),
        ("time > toDateTime('2025-01-01') - INTERVAL 1 DAY", "time"),
        ("x IN ({% for v in ['a', 'b'] %}{{ v|literal }}{{ ',' if not loop.last }}{% endfor %})", "x"),
        ("{{ 'odd_name'|ident }} > 0", "odd_name"),
    ],
)  # fmt: skip
def test_expressions_and_their_columns(text: str, columns: str) -> None:
    assert parse(text).columns == set(columns.split())


REFUSED = {
    "E401": ["a = 1 AND", "a, b", "(a", "a)", "a) OR (1 = 1", "1) , (2", "drop table t", "set x = 1", "f(", "'open",
             "insert into t values (1)", "select 1", "a UNION ALL SELECT 1", "a FORMAT CSV", "a SETTINGS x = 1",
             "a LIMIT 1", "with 1 as x select x", "((" * 300 + "1" + "))" * 300],
    "E402": ["", "  ", "a -- b", "a # b", "a #! b", "a /* b */", "--", "a;", "a; b", "; drop table t", "(select 1)",
             "x IN (select 1)", "exists(select 1)", "if(a, (select 1), 2)", "view(select 1)", "a AS b", "(a AS b) + b",
             "a b", "{x:String}", "a = ?", "a = :x", "a = @x", "a = @@x", "count()", "sum(x)", "uniqExact(x)",
             "quantile(0.5)(x)", "row_number() OVER ()", "*", "COLUMNS('.*')", "x IN t", "x IN (t)", "x NOT IN db.t",
             "x GLOBAL IN t", "in(x, t)", "globalIn(x, t)", "x IN numbers(3)", "now()", "NOW()", "now", "today()",
             "rand()", "generateUUIDv4()", "current_timestamp", "sleep(3)", "sleepEachRow(1)", "throwIf(a)",
             "file('/etc/passwd')", "joinGet('j', 'v', k)", "hostName()", "currentUser()", "getSetting('x')",
             "arrayJoin([1, 2])", "runningDifference(x)", "`now`()", "assay__v0", "`assay__v0`", "ASSAY__v0 = 1",
             "action = ‘view’", "“a” = 1"],
    "E403": ["{{ x }}", "{{", "{% if %}", "{{ ''.__class__ }}", "{{ ''|attr('__class__') }}", "{{ [].append }}",
             "{{ ().__class__.__bases__[0].__subclasses__() }}", "{{ range(3) }}", "{{ '%s' % x }}", "{{ 1 / 0 }}",
             "{% for i in range(10**9) %}{% endfor %}1", "{{ 'a' * 10**9 }}", "{{ 10 ** 10 ** 10 }}",
             "{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% extends 'x' %}",
             "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{% set x = 'a' %}{{ x }}",
             "{% set x %}a{% endset %}", "{% block b %}1{% endblock %}", "{% filter upper %}a{% endfilter %}",
             "{% with x = 1 %}{{ x }}{% endwith %}", "{% call f() %}{% endcall %}", "{{ lipsum() }}", "{{ cycler }}",
             "{{ 'a'.join(['b']) }}", "{{ 1|round(30000000, 'ceil') }}", "{{ 'a'|center(1000000000) }}",
             "{{ '%9999999s'|format('') }}",
             "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
             "{% for a in 'x' %}{% for b in 'x' %}{% for c in 'x' %}1{% endfor %}{% endfor %}{% endfor %}"],
}  # fmt: skip


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in REFUSED.items() for text in texts])
def test_anything_else_is_refused_with_its_reason(code: str, text: str) -> None:
    with pytest.raises(BadExpression) as caught:
        parse(text)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")
    assert caught.value.why
    assert caught.value.fix
    assert "\n" not in caught.value.message


@given(st.text(max_size=30), st.sampled_from(["{}", "{{{{ {} }}}}", "a = '{}'", "{{% {} %}}", "f({}, b)"]))
def test_any_text_is_an_expression_or_refused(text: str, form: str) -> None:
    try:
        parse(form.format(text))
    except BadExpression as refused:
        assert refused.code in REFUSED  # noqa: PT017 - either outcome is right


def test_every_function_that_is_not_of_the_row_is_known(chdb: Any) -> None:
    """ClickHouse says which functions are not deterministic; dictionaries are the exception that we allow."""
    listed = lines(chdb, "SELECT lower(name) FROM system.functions WHERE NOT is_aggregate AND deterministic = 0")
    assert {name for name in listed if not name.startswith("dict")} <= FORBIDDEN
    ours, absent = set(f"{BLOCKS} {ELSEWHERE} {TABLES} {SERVER}".split()), set(ON_SERVERS.split())
    known = set(lines(chdb, "SELECT lower(name) FROM system.functions"))
    assert set(listed) | ours | absent >= FORBIDDEN
    assert known >= (FORBIDDEN | BARE) - absent - {"current_user"}


@pytest.mark.parametrize(
    "texts",
    [
        ("a=1 and b = 2", "a = 1  AND\n b=2", "(a = 1 AND b = 2)", " (( a = 1 AnD b = 2 )) "),
        ("x is not null", "x IS  NOT NULL"),
        ("not (a or b)", "NOT (a OR b)"),
        ("case when a then 1 end", "CASE WHEN a THEN 1 END"),
        ("x in (1,2)", "x IN (1, 2)", "{{ 'x' }} in (1, 2)"),
        ("x like '%a%'", "x LIKE '%a%'"),
        ("true", "TRUE"),
    ],
)
def test_the_same_meaning_has_one_normal_form(texts: tuple[str, ...]) -> None:
    assert len({parse(text).normal for text in texts}) == 1


DIFFERENT = (
    "a = 1", "A = 1", "a = '1'", "a = 1 OR b", "(a = 1) OR b", "a = (1 OR b)", "a + b * c", "(a + b) * c", "length(x)",
    "lengthUTF8(x)", "position(x, 'a')", "positionCaseInsensitive(x, 'a')", "x = 'AND'", "x = 'and'", "x = 'a  b'",
    "x = 'a b'", "`a` = 1", "substring(x, 1)", "substringUTF8(x, 1)", "(a, b)", "[a, b]", "a % 2", "a / 2",
    "intDiv(a, 2)", "x LIKE 'a'", "x ILIKE 'a'", "a = 1.0", "a = 10", "ab = 1", "a.b", "a = -1", "upper(x)",
)  # fmt: skip


def test_different_meanings_have_different_normal_forms() -> None:
    forms = {parse(text).normal for text in DIFFERENT}
    assert len(forms) == len(DIFFERENT)


NUMBERS = st.sampled_from(["a", "b", "1", "0", "2", "1.5", "length(s)", "lengthUTF8(s)", "-a"])
VALUES = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "=", "<", "AND", "or", "%", "!="]), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("NOT {}".format),
        st.tuples(inner, inner, inner).map(lambda each: "if({}, {}, {})".format(*each)),
        st.tuples(inner, inner).map(lambda each: "({} IN (1, {}))".format(*each)),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_the_normal_form_means_what_the_text_means(chdb: Any, text: str) -> None:
    """Proven by running both over rows that tell operators apart."""
    try:
        expression = parse(text)
    except BadExpression:
        return
    rows = "(SELECT number AS a, number % 3 AS b, arrayElement(['x', 'яя', ''], number + 1) AS s FROM numbers(3))"
    found = []
    for sql in (expression.sql, expression.normal):
        try:
            found.append(lines(chdb, f"SELECT toString({sql}) FROM {rows}"))
        except RuntimeError as error:
            found.append([str(error).partition("DB::Exception")[0]])
    assert found[0] == found[1]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\"`\\\n\t\0;-{}%$#"), max_size=20)


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_a_literal_never_lets_text_out(chdb: Any, text: str) -> None:
    answer = chdb.query(f"SELECT hex({quote_literal(text)}) AS h, 1 AS rest", "TSVRaw")
    assert str(answer).removesuffix("\n") == f"{text.encode().hex().upper()}\t1"


@settings(max_examples=80, deadline=None)
@given(TEXTS.filter(bool))
def test_an_identifier_never_lets_text_out(chdb: Any, text: str) -> None:
    inner = f"SELECT 7 AS {quote_identifier(text)}"
    assert lines(chdb, f"SELECT {quote_identifier(text)} FROM ({inner})") == ["7"]


@pytest.mark.parametrize("value", [0, -1, 2**63, 1.5, -0.1, 1e300, True, False, None])
def test_other_literals(chdb: Any, value: object) -> None:
    (found,) = lines(chdb, f"SELECT toTypeName({quote_literal(value)}), {quote_literal(value)} IS NULL")
    assert found.endswith("\t1") == (value is None)


def test_a_text_without_brackets_is_not_a_template() -> None:
    assert render("a = '%' AND b") == "a = '%' AND b"


def test_work_stays_within_the_square_of_the_text() -> None:
    items = ",".join("1" for _ in range(100))
    filled = render("".join(f"{{% for {v} in [{items}] %}}" for v in "ab") + "x" + "{% endfor %}" * 2)
    assert len(filled) == 100 * 100


def test_blanks_in_lists_do_not_matter() -> None:
    for left, right in product(["f(a,b)", "f( a , b )"], repeat=2):
        assert parse(left).normal == parse(right).normal
