"""Each rule: what it lets pass, and what it says, pointing at the place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assay.catalog.rules import RULES
from assay.errors import CODES, Diagnostic

Resolve = Callable[..., tuple[Any, tuple[Diagnostic, ...]]]

EXPERIMENT = """
experiments:
  test:
    hypothesis: It helps.
    assignment: {source: feed, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: feed, where: "action = 'view'"}
    start: 2025-08-02
    end: 2025-08-09
    metrics: {primary: [ratio], secondary: [likes], guardrail: {views: -5%, seconds: 0.05}}
    design: {history: 2025-07-01..2025-08-02}
    analysis: {test: welch, cuped: 14d}
    validity: [srm, crossovers, distribution, day_stability]
"""
ALERT = """
alerts:
  watch:
    metrics: [views, likes]
    every: 15m
    labels: {team: feed}
    window: 3h
    by: [os]
    explain: [country]
    total: true
    detector: {type: mad, threshold: 4.5, min_history: 14}
    route: quiet
routes:
  quiet: {stdout: {}, quiet: "23:00-07:00", match: {severity: [warning, critical]}}
  team: {stdout: {}, match: {team: feed, tier: "1"}}
silences:
  move: {match: {alert: watch, country: Norway}, start: 2025-07-19, end: 2025-07-20, why: The servers move.}
events:
  campaign: {match: {metric: [views, likes], team: "!feed"}, start: 2025-07-19T06:00, end: 2025-07-20}
"""
REPORT = """
reports:
  daily:
    title: Daily
    compare: 7d
    route: here
    blocks:
      - {type: cards, title: Users, metrics: [users, views], by: os}
dashboards:
  main: {tabs: {feed: {label: Feed, metrics: [views], by: [os, country]}}}
"""
METRICS = """
metrics:
  ratio: {type: ratio, numerator: likes, denominator: views}
  week: {type: rolling, metric: users, window: 7d}
  both: {type: set, expr: users & senders}
  median: {type: quantile, source: feed, value: seconds, level: 0.5}
  both_weeks: {type: rolling, metric: users, window: 14d}
  twice: {type: derived, expr: 2 * ratio}
"""
GOOD = METRICS + EXPERIMENT + ALERT.replace("routes:\n", "routes:\n") + REPORT


def test_the_good_definitions_are_good(resolved: Resolve) -> None:
    assert resolved(GOOD)[1] == ()


# (what is replaced, by what): (code, a part of the message, the text at the place)
MISTAKES: list[tuple[str, str, str, str, str]] = [
    # metrics
    ("numerator: likes", "numerator: likse", "E201", "Unknown metric 'likse'. Did you mean 'likes'?", "likse"),
    ("metric: users, window: 7d", "metric: user, window: 7d", "E201", "Unknown metric 'user'", "user"),
    ("users & senders", "users & sender", "E201", "Unknown metric 'sender'", "users & sender"),
    ("quantile, source: feed", "quantile, source: fed", "E201", "Unknown source 'fed'", "fed"),
    ("numerator: likes", "numerator: median", "E301", "The numerator 'median' is not", "median"),
    ("denominator: views", "denominator: week_ratio", "E201", "Unknown metric", "week_ratio"),
    ("users & senders", "users & views", "E301", "'views' is not a set", "users & views"),
    ("users & senders", "users & receivers", "E301", "mixes the entities receiver and user", "users & receivers"),
    ("users & senders", "users + senders", "E401", "is not understood", "users + senders"),
    ("users & senders", "users & 1", "E401", "is not understood", "users & 1"),
    ("2 * ratio", "2 * ratio ** 2", "E401", "is not understood", "2 * ratio ** 2"),
    ("window: 7d", "window: 12h", "E301", "whole number of days", "12h"),
    ("metric: users, window: 7d", "metric: both_weeks, window: 7d", "E301", "it has a window already", "both_weeks"),
    ("value: seconds, level", "value: second, level", "E204", "Unknown column 'second'. Did you mean", "second"),
    ("value: seconds, level", "value: seconds +, level", "E401", "cannot be parsed near '+'", "seconds +"),
    ("value: seconds, level", "value: avg(seconds), level", "E402", "holds an aggregate", "avg(seconds)"),
    ("value: seconds, level", 'value: "{{ x }}", level', "E403", "'x' is undefined", '"{{ x }}"'),
    # experiments
    ("source: feed, column: arm", "source: fed, column: arm", "E201", "Unknown source 'fed'", "fed"),
    ("primary: [ratio]", "primary: [rate]", "E201", "Unknown metric 'rate'", "rate"),
    ("guardrail: {views: -5%", "guardrail: {vews: -5%", "E201", "Unknown metric 'vews'. Did you", "vews"),
    ("validity: [srm", "validity: [smr", "E201", "Unknown gate 'smr'. Did you mean 'srm'?", "smr"),
    ("test: welch", "test: welsh", "E201", "Unknown test 'welsh'. Did you mean 'welch'?", "welsh"),
    ("hypothesis: It helps.", "hypothesis: It helps.\n    entity: usr", "E205", "no entity 'usr'. Did you", "usr"),
    ("column: arm", "column: harm", "E204", "Unknown column 'harm'. Did you mean 'arm'?", "harm"),
    ("column: arm", "column: arm AND", "E401", "cannot be parsed", "arm AND"),
    ("where: \"action = 'view'\"", "where: \"acton = 'view'\"", "E204", "Unknown column 'acton'", "\"acton = 'view'\""),
    ("where: \"action = 'view'\"", 'where: "(select 1)"', "E402", "a subquery", '"(select 1)"'),
    ("end: 2025-08-09", "end: 2025-08-02", "E303", "before it has begun", "2025-08-02"),
    ("2025-07-01..2025-08-02", "2025-07-01..2025-08-03", "E303", "into the experiment", "2025-07-01..2025-08-03"),
    ("cuped: 14d", "cuped: 36h", "E104", "'cuped' must be a whole number of days", "36h"),
    ("treatment: 1", "treatment: 0", "E301", "'control' and 'treatment' have the same value", "0"),
    ("exposure: {source: feed, where: \"action = 'view'\"}", "exposure: {source: chat}", "E302", "different", "chat"),
    ("secondary: [likes]", "secondary: [likes, ratio]", "E301", "'ratio' has more than one role", "ratio"),
    ("guardrail: {views: -5%", "guardrail: {views: 5%", "E301", "limits the good direction, which is up", "5%"),
    ("seconds: 0.05", "seconds: -0.05", "E301", "limits the good direction, which is down", "-0.05"),
    ("secondary: [likes]", "secondary: [week]", "E302", "a window overlaps with itself", "week"),
    ("secondary: [likes]", "secondary: [median]", "E302", "a quantile of events", "median"),
    ("secondary: [likes]", "secondary: [posts]", "E302", "it counts posts", "posts"),
    # alerts and routes
    ("metrics: [views, likes]", "metrics: [views, likse]", "E201", "Unknown metric 'likse'", "likse"),
    ("route: quiet", "route: qiet", "E201", "Unknown route 'qiet'. Did you mean 'quiet'?", "qiet"),
    ("by: [os]", "by: [oss]", "E203", "'oss' is not a dimension of views, likes. Did you mean 'os'?", "oss"),
    ("explain: [country]", "explain: [planet]", "E203", "'planet' is not a dimension", "planet"),
    ("type: mad,", "type: mda,", "E201", "Unknown detector 'mda'", "mda"),
    ("threshold: 4.5", "treshold: 4.5", "E102", "no parameter 'treshold'. Did you mean 'threshold'?", "treshold"),
    ("threshold: 4.5", "threshold: high", "E104", "'threshold' must be a number", "high"),
    ("min_history: 14", "min_history: 14.5", "E104", "'min_history' must be a whole number", "14.5"),
    ("min_history: 14", "min_history: true", "E104", "'min_history' must be a whole number", "true"),
    ("every: 15m", "every: 7m", "E303", "'every' does not divide", "7m"),
    ("every: 15m", "every: 2d", "E303", "'every' does not divide", "2d"),
    ("window: 3h", "window: 40m", "E303", "'window' does not divide", "40m"),
    ("threshold: 4.5", "threshold: -4.5", "E104", "'threshold' must be greater than 0", "-4.5"),
    ("type: mad, threshold: 4.5, min_history: 14", "type: forecast", "E302", "judges totals of whole days", "forecast"),
    ("total: true", "agree: mad", "E301", "'mad' would have to agree with itself", "mad"),
    ("total: true", "agree: mda", "E201", "Unknown detector 'mda'", "mda"),
    ("total: true", "min_change: 30%\n    critical: 30%", "E301", "'critical' is not above 'min_change'", "30%"),
    ("total: true", "severity: critical\n    critical: 30%", "E301", "'critical' has nothing to change", "30%"),
    ("total: true", "instant: 4.5", "E301", "'instant' is not above the detector's threshold", "4.5"),
    ("total: true", "budget: 673", "E301", "'budget' is more than there are slots in a week", "673"),
    ("labels: {team: feed}", "labels: {team: feed, tier: one}", "E301", "The label 'tier' has the name", "tier: one"),
    ("labels: {team: feed}", "labels: {team: feed, os: all}", "E301", "The label 'os' has the name", "os: all"),
    ("total: true", "inhibited_by: [wotch]", "E201", "Unknown alert 'wotch'. Did you mean 'watch'?", "wotch"),
    ("total: true", "inhibited_by: [watch]", "E202", "is inhibited by itself", "[watch]"),
    ("country: Norway", "planet: Norway", "E201", "Unknown label 'planet'", "planet"),
    ("alert: watch", "alert: wotch", "E201", "Unknown alert 'wotch'. Did you mean 'watch'?", "wotch"),
    ("metric: [views, likes]", "metric: [views, likse]", "E201", "Unknown metric 'likse'", "likse"),
    ("team: feed, tier", "teem: feed, tier", "E201", "Unknown label 'teem'. Did you mean 'team'?", "teem"),
    ("severity: [warning, critical]", "severity: info", "E307", "No message that comes to 'quiet'", "info"),
    ("metrics: [views, likes]", "metrics: [views, week]", "E302", "'week' compares or joins days", "week"),
    ("by: [os]\n    explain: [country]\n    total: true", "total: false", "E301", "judges nothing", "false"),
    ('quiet: "23:00-07:00"', 'quiet: "23:00-23:00"', "E303", "quiet hours of 'quiet' are empty", '"23:00-23:00"'),
    # reports and dashboards
    ("metrics: [users, views], by", "metrics: [users, vews], by", "E201", "Unknown metric 'vews'", "vews"),
    ("route: here", "route: there", "E201", "Unknown route 'there'. Did you mean 'here'?", "there"),
    ("by: os}", "by: posts}", "E203", "'posts' is not a dimension of users, views", "posts"),
    ("[users, views], by: os", "[users, senders], by: country", "E304", "defined differently", "country"),
    ("compare: 7d", "compare: 12h", "E104", "'compare' must be a whole number of days", "12h"),
    ("metrics: [views], by", "metrics: [vews], by", "E201", "Unknown metric 'vews'", "vews"),
    ("by: [os, country]}", "by: [os, planet]}", "E203", "'planet' is not a dimension", "planet"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "message", "pointed"), MISTAKES, ids=[each[1] for each in MISTAKES])
def test_one_mistake_is_one_message(
    resolved: Resolve, old: str, new: str, code: str, message: str, pointed: str
) -> None:
    assert GOOD.count(old) == 1 or old in ("by: [os]",), old
    text = GOOD.replace(old, new)
    diagnostics = resolved(text)[1]
    (told,) = diagnostics
    assert told.code == code
    assert code in CODES
    assert message in told.message
    assert told.why
    assert told.fix
    assert told.location is not None
    assert told.location.path == "metrics/more.yaml"
    assert text.split("\n")[told.location.line - 1][told.location.column - 1 :].startswith(pointed)


SOURCE = """
sources:
  web:
    table: hits
    time: time
    where: "bot = 0"
    entities: {user: user_id}
    dimensions: {os: os, age: {bins: age, cuts: [18]}}
    columns: {user_id: UInt32, time: DateTime, bot: UInt8, os: String, age: UInt8}
    lateness: 2d
    checks: {not_null: [user_id, time], accepted: {os: [ios, android]}}
metrics:
  hits: {type: count, source: web}
  visitors: {type: unique, source: web, of: user}
  hits_each: {type: ratio, numerator: hits, denominator: visitors}
"""
SOURCE_MISTAKES = [
    ("    time: time", "    time: tme", "E204", "tme"),
    ('where: "bot = 0"', 'where: "bt = 0"', "E204", '"bt = 0"'),
    ('where: "bot = 0"', 'where: "bot ="', "E401", '"bot ="'),
    ("user: user_id}", "user: user_di}", "E204", "user_di"),
    ("user: user_id}", "user: (select 1)}", "E402", "(select 1)"),
    ("{os: os,", "{os: so,", "E204", "so"),
    ("{os: os,", "{os: {column: so},", "E204", "so"),
    ("bins: age", "bins: aeg", "E204", "aeg"),
    ("bins: age", 'bins: "{{ a }}"', "E403", '"{{ a }}"'),
    ("[user_id, time]", "[user_id, tme]", "E204", "tme"),
    ("accepted: {os:", "accepted: {so:", "E204", "so"),
    ("lateness: 2d", "lateness: 12h", "E104", "12h"),
    ("of: user}", "of: usr}", "E205", "usr"),
]


@pytest.mark.parametrize(("old", "new", "code", "pointed"), SOURCE_MISTAKES, ids=[each[1] for each in SOURCE_MISTAKES])
def test_a_mistake_in_a_source_is_told_there_and_once(
    resolved: Resolve, old: str, new: str, code: str, pointed: str
) -> None:
    assert SOURCE.count(old) == 1
    text = SOURCE.replace(old, new)
    (told,) = resolved(text)[1]
    assert told.code == code
    assert told.location is not None
    assert text.split("\n")[told.location.line - 1][told.location.column - 1 :].startswith(pointed)


def test_a_good_source_is_good(resolved: Resolve) -> None:
    assert resolved(SOURCE)[1] == ()


def test_every_rule_has_a_docstring() -> None:
    assert [rule.__name__ for rule in RULES if not rule.__doc__] == []
