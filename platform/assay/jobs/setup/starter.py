"""`init --from`: starter definitions over tables that exist, from what their columns and rows show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from assay.config.base import show_duration
from assay.config.scaffold import Noted
from assay.engine import Engine
from assay.errors import UsageError
from assay.jobs.setup.introspect import Facts, Rhythm, delay, look, rhythm
from assay.jobs.setup.propose import Choice, Roles, roles, slug

# File: kind: name: body, with `Noted` where a comment shall stand.
Files = dict[str, dict[str, dict[str, Any]]]

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_SLOTS = {"15m": _DAY // timedelta(minutes=15), "1h": 24}  # slots per day
_PER_SLOT = 30  # events; fewer are too few to be judged every slot
_TAB = 12  # metrics on a tab
_SHARED = "dashboard"


@dataclass(frozen=True, slots=True)
class Subject:
    """One table on its way to a source: what it is, what its columns are for, and how its events follow one another."""

    source: str
    table: str
    facts: Facts
    roles: Roles
    rhythm: Rhythm | None = None
    delay: timedelta | None = None

    @property
    def main(self) -> Choice:
        return self.roles.entities[0]


def read(engine: Engine, tables: Sequence[str], database: str, zone: str) -> list[Subject]:
    """The subjects of some tables, written `table` or `database.table`; reads only.

    Raises WarehouseError E506 for a missing table, UsageError E601 for one that cannot be a source.
    """
    wanted = dict.fromkeys(tables)
    bare = [_slug(each.rpartition(".")[2]) for each in wanted]
    names = {each: name if bare.count(name) == 1 else _slug(each) for each, name in zip(wanted, bare, strict=True)}
    return [_subject(engine, each, names[each], database, zone) for each in wanted]


def files(subjects: Sequence[Subject], title: str, now: datetime) -> Files:
    """Sources, metrics, a dashboard, alerts and a report over the subjects, by the file that they belong into."""
    shared = _alike(subjects)
    subjects = [_with_dimensions(each, shared) for each in subjects]
    metrics = {each.source: _metrics(each, single=len(subjects) == 1) for each in subjects}
    unions = _unions(subjects)
    tabs = {each.source: _tab(each.source, metrics[each.source], _names(each)) for each in subjects}
    overview = {"overview": _tab("overview", unions, _common(subjects))} if unions else {}
    board = {"dashboards": {"main": {"label": title, "tabs": {**overview, **tabs}}}}
    return {
        "metrics/sources.yaml": {"sources": {each.source: _source(each, now) for each in subjects}},
        **{_file(source): {"metrics": found} for source, found in metrics.items()},
        f"metrics/{_SHARED}.yaml": {**({"metrics": unions} if unions else {}), **board},
        "alerts/alerts.yaml": _alerts(subjects, metrics, title, unions),
    }


def _slug(text: str) -> str:
    return slug(text, "events")


def _file(source: str) -> str:
    return f"metrics/{source if source not in ('sources', _SHARED) else f'{source}_metrics'}.yaml"


def _subject(engine: Engine, table: str, source: str, database: str, zone: str) -> Subject:
    above, _, name = table.rpartition(".")
    facts = look(engine, above or database, name)
    if not all(part.isidentifier() for part in table.split(".")):
        raise UsageError.of(
            "E601",
            f"The name of the table '{table}' cannot stand in a definition.",
            why="'table:' is written `table` or `database.table`, each of letters, digits and underscores.",
            fix="Make a view with a plain name over it, and name the view.",
        )
    found = roles(facts, zone)
    pace = rhythm(engine, facts, found.time.sql)
    late = delay(engine, facts, found.time.sql, found.arrived, pace.newest) if pace and found.arrived else None
    return Subject(source, table, facts, found, pace, late)


def _alike(subjects: Sequence[Subject]) -> dict[str, Choice]:
    """One definition for each name of a dimension: metrics over several sources are split by what is defined alike.

    Of several, the one that keeps the most frequent values wins, because it fits every table.
    """
    every = [each for subject in subjects for each in subject.roles.dimensions]
    return {each.name: each for each in sorted(every, key=lambda each: each.top is not None)}


def _with_dimensions(subject: Subject, shared: Mapping[str, Choice]) -> Subject:
    own = subject.roles.dimensions
    alike = tuple(shared[each.name] if shared[each.name].sql == each.sql else each for each in own)
    return replace(subject, roles=replace(subject.roles, dimensions=alike))


def _common(subjects: Sequence[Subject]) -> list[str]:
    """The dimensions that mean the same in all subjects."""
    meanings = [{(each.name, each.sql, each.top, each.cuts) for each in sub.roles.dimensions} for sub in subjects]
    same = {name for name, *_ in set.intersection(*meanings)}
    return [name for name in _names(subjects[0]) if name in same]


def _names(subject: Subject) -> list[str]:
    return [each.name for each in subject.roles.dimensions]


def _source(subject: Subject, now: datetime) -> dict[str, Any]:
    found, facts = subject.roles, subject.facts
    left_out = f"; not proposed, because their names hold braces: {', '.join(facts.omitted)}" if facts.omitted else ""
    body: dict[str, Any] = {
        "table": Noted(subject.table, _extent(subject.rhythm) + left_out),
        "time": Noted(found.time.sql, found.time.why),
        "entities": {each.name: Noted(each.sql, each.why) for each in found.entities},
        "dimensions": {each.name: Noted(_dimension(each), each.why) for each in found.dimensions},
        "columns": {each.name: each.type for each in facts.columns},
        "lateness": _lateness(subject),
        "freshness": _freshness(subject, now),
    }
    return {name: value for name, value in body.items() if value}


def _extent(found: Rhythm | None) -> str:
    if found is None:
        return "nothing is known about its rows: it is empty, or too large to be read in time"
    return f"{found.rows:,} rows from {found.first:%Y-%m-%d} to {found.newest:%Y-%m-%d}"


def _dimension(choice: Choice) -> Any:
    if choice.cuts:
        return {"bins": choice.sql, "cuts": list(choice.cuts)}
    return {"column": choice.sql, "top": choice.top} if choice.top else choice.sql


def _lateness(subject: Subject) -> Noted:
    if subject.delay is None:
        return Noted("1d", "a guess: no column says when a row arrived")
    days = max(-(-subject.delay // _DAY), 1)
    why = f"99.9 % of the last rows arrived within {_hours(subject.delay)}, says {subject.roles.arrived}"
    return Noted(f"{days}d", why)


def _freshness(subject: Subject, now: datetime) -> Noted | None:
    """Twice the longest silence, unless the table is silent for longer already: then it is not being filled."""
    pace = subject.rhythm
    if pace is None or pace.newest - pace.first < 2 * _DAY:
        return None
    limit = max(2 * pace.silence, _HOUR)
    if not timedelta() <= now - pace.newest <= limit:
        return None
    return Noted(show_duration(limit), f"twice the longest silence of the last four weeks, {_hours(pace.silence)}")


def _hours(span: timedelta) -> str:
    return f"{-(-span // _HOUR)} h"


def _metrics(subject: Subject, *, single: bool) -> dict[str, Any]:
    source, main = subject.source, subject.main.name
    prefix = "" if single else f"{source}_"
    title, daily = _label(source), f"{prefix}daily_{_plural(main)}"
    found: dict[str, Any] = {f"{source}_total": {"type": "count", "source": source, "label": title, "good": "up"}}
    for each in subject.roles.entities:
        many = _plural(each.name)
        body = {"type": "unique", "source": source, "of": each.name, "label": _label(f"daily_{many}")}
        found[f"{prefix}daily_{many}"] = {**body, "tier": 1} if each is subject.main else body
    found[f"{prefix}weekly_{_plural(main)}"] = _rolling(daily, f"weekly_{_plural(main)}")
    per = {"type": "ratio", "numerator": f"{source}_total", "denominator": daily, "label": f"{title} per {_word(main)}"}
    found[f"{source}_per_{main}"] = per
    for each in subject.roles.events:
        body = {"type": "count", "source": source, "where": each.sql, "label": _label(each.name)}
        found[f"{prefix}{each.name}_events"] = Noted(body, each.why)
    for each in subject.roles.values:
        for kind in ("sum", "mean"):
            body = {"type": kind, "source": source, "value": each.sql, "label": f"{_label(each.name)}, {kind}"}
            found[f"{prefix}{each.name}_{kind}"] = Noted(body, each.why)
    return found


def _rolling(metric: str, name: str) -> dict[str, Any]:
    return {"type": "rolling", "metric": metric, "window": "7d", "label": _label(name)}


def _unions(subjects: Sequence[Subject]) -> dict[str, Any]:
    """Who was in any of several tables, for the entities that all of them know."""
    if len(subjects) < 2:
        return {}
    known = [{each.name for each in subject.roles.entities} for subject in subjects]
    found: dict[str, Any] = {}
    for each in subjects[0].roles.entities:
        if all(each.name in names for names in known):
            many = _plural(each.name)
            expr = " | ".join(f"{subject.source}_daily_{many}" for subject in subjects)
            body = {"type": "set", "expr": expr, "label": _label(f"daily_{many}"), "tier": 1}
            found[f"daily_{many}"] = Noted(body, "all tables know this entity")
            found[f"weekly_{many}"] = _rolling(f"daily_{many}", f"weekly_{many}")
    return found


def _tab(name: str, metrics: Mapping[str, Any], by: Sequence[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"label": _label(name), "metrics": list(metrics)[:_TAB]}
    return {**body, "by": list(by)} if by else body


def _cards(title: str, metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "cards", "title": title, "metrics": list(metrics)[:4]}


def _alerts(
    subjects: Sequence[Subject], metrics: Mapping[str, Mapping[str, Any]], title: str, unions: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    blocks = [{"type": "cards", "title": _label(each), "metrics": list(found)[:4]} for each, found in metrics.items()]
    first = [{"type": "cards", "title": "Overview", "metrics": list(unions)[:4]}] if unions else []
    report = {"title": title, "compare": "7d", "route": "outbox", "blocks": [*first, *blocks]}
    return {
        "alerts": dict(_alert(each, list(metrics[each.source])[:2]) for each in subjects),
        "routes": {"outbox": Noted({"outbox": {"path": "target/outbox"}}, "files; no message leaves the machine")},
        "reports": {"daily": report},
    }


def _alert(subject: Subject, metrics: list[str]) -> tuple[str, Any]:
    every, why = _every(subject)
    explain = [each.name for each in subject.roles.dimensions if not each.cuts][:3]
    body = {
        "metrics": metrics,
        "every": Noted(every, why),
        "min_change": Noted("20%", "smaller changes are no news"),
        **({"explain": Noted(explain, "where the cause is looked for")} if explain else {}),
        "route": "outbox",
    }
    return f"{subject.source}_{every}", body


def _every(subject: Subject) -> tuple[str, str]:
    """The shortest slot that holds enough events."""
    if subject.rhythm is None or subject.roles.time.whole_days:
        return "1d", "the table does not show what happens within a day"
    daily = subject.rhythm.per_day
    for every, slots in _SLOTS.items():
        if daily / slots >= _PER_SLOT:
            return every, f"about {daily / slots:,.0f} events each time"
    return "1d", f"about {daily:,.0f} events a day are too few for shorter slots"


def _word(name: str) -> str:
    return name.replace("_", " ")


def _label(name: str) -> str:
    return _word(name)[:1].upper() + _word(name)[1:]


def _plural(name: str) -> str:
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "ch", "sh")) else f"{name}s"
