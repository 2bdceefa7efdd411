"""`status`: is everything fresh, did anything fail, what ran, what does it cost, and what is kept for nobody?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from assay.compiler.states import DAY
from assay.errors import AssayError, WarehouseError
from assay.jobs.alerts import incidents
from assay.jobs.context import Context
from assay.jobs.operations import retention
from assay.jobs.storage import builds, pauses, source_states
from assay.statement import Statement, Table

_RUNS, _COSTS = 10, 20
_WEEK = timedelta(days=7)
_RUN = "{command} {at} by {who}: {steps} steps, {failed} failed, {rows:,} rows, {seconds:.1f} s"

Rows = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a project at a moment; each part is rows of the contract `status`."""

    paused: dict[str, Any] | None
    sources: Rows
    models: Rows
    failed_checks: Rows
    runs: Rows
    costs: Rows
    stale: Rows
    alerts: Rows

    @property
    def ok(self) -> bool:
        """Whether nothing waits for a person. A paused project, and an open alert, do."""
        late = any(each["fresh"] is False for each in self.sources)
        return not (self.paused or late or self.failed_checks or self.alerts)

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok} | {name: getattr(self, name) for name in self.__slots__}


def status(context: Context) -> Status:
    """Read it all; what was never built is empty."""
    builds.prepare(context)
    held = pauses.current(context)
    return Status(
        {"since": held.at.isoformat(), "who": held.who, "reason": held.reason} if held else None,
        tuple(_source(context, name) for name in sorted(context.catalog.definitions.sources)),
        tuple(_stored(context, name, builds.MODEL) for name in sorted(context.catalog.models)),
        _failed_checks(context),
        _runs(context),
        _costs(context),
        tuple(each.as_dict() for each in retention.stale(context)),
        tuple(each.as_dict() for each in incidents.known(context) if each.open),
    )


def _source(context: Context, name: str) -> dict[str, Any]:
    """Stored days, and the newest event where a `freshness` says how old it may be."""
    allowed = context.catalog.source(name).spec.freshness
    newest, reason = None, None
    if allowed is not None:  # it reads the column of time; no more sources are read than somebody watches
        try:
            newest = source_states.extent(context, name).newest
        except AssayError as error:
            reason = error.diagnostics[0].message
    fresh = None if allowed is None else newest is not None and context.now - newest <= allowed
    found = {"newest": newest.isoformat() if newest else None, "fresh": fresh, "reason": reason}
    return _stored(context, name, DAY) | found


def _stored(context: Context, name: str, grain: str) -> dict[str, Any]:
    sql = f"""SELECT toString(min(day)), toString(max(day)), uniqExact(day), toUnixTimestamp(max(finished_at))
FROM {context.database}.builds WHERE source = {{name:String}} AND grain = {{grain:String}}"""  # noqa: S608 - a checked name
    rows = context.engine.run(Statement(sql, "read what is stored", {"name": name, "grain": grain})).rows
    first, last, days, _ = rows[0]
    return {"name": name, "first": first if days else None, "last": last if days else None, "days": days}


def _failed_checks(context: Context) -> Rows:
    """The checks whose newest result is a failure, of the last week of runs."""
    sql = f"""SELECT kind, subject, check, severity, toString(first_day) AS first, toString(last_day) AS last,
  argMax(message, finished_at) AS message
FROM {context.database}.check_results
WHERE toUnixTimestamp(at) >= {{since:Int64}}
GROUP BY kind, subject, check, severity, first_day, last_day
HAVING argMax(status, finished_at) = 'failed' ORDER BY kind, subject, first_day, check"""  # noqa: S608 - a checked name
    since = int((context.now - _WEEK).timestamp())
    return tuple(context.engine.run(Statement(sql, "read failed checks", {"since": since})).dicts())


def _runs(context: Context) -> Rows:
    sql = f"""SELECT formatDateTime(any(at), '%Y-%m-%dT%H:%i:%SZ') AS at, any(command) AS command, any(who) AS who,
  count() AS steps, countIf(status != 'done') AS failed, sum(rows) AS rows, round(sum(seconds), 3) AS seconds
FROM {context.database}.run_steps GROUP BY toUnixTimestamp64Micro(run_steps.at)
ORDER BY toUnixTimestamp64Micro(any(run_steps.at)) DESC LIMIT {_RUNS}"""  # noqa: S608 - a checked name
    return tuple(context.engine.run(Statement(sql, "read the last runs")).dicts())


def _costs(context: Context) -> Rows:
    """What the last week cost: by the server's query log, or by our own record of steps where there is none."""
    since = {"since": int((context.now - _WEEK).timestamp())}
    logged = """SELECT log_comment AS name, count() AS statements, round(sum(query_duration_ms) / 1000, 3) AS seconds,
  sum(read_rows) AS rows_read, max(memory_usage) AS memory
FROM system.query_log
WHERE type = 'QueryFinish' AND startsWith(query_id, 'assay-') AND toUnixTimestamp(event_time) >= {since:Int64}
GROUP BY name ORDER BY seconds DESC LIMIT 20"""
    try:
        if found := context.engine.run(Statement(logged, "read the query log", since)):
            return tuple(found.dicts())
    except WarehouseError:
        pass  # an embedded engine keeps no log, and a user of a server may not read it
    return tuple(_recorded(context, since).dicts())


def _recorded(context: Context, since: dict[str, int]) -> Table:
    sql = f"""SELECT name, count() AS statements, round(sum(seconds), 3) AS seconds, NULL AS rows_read, NULL AS memory
FROM {context.database}.run_steps WHERE toUnixTimestamp(at) >= {{since:Int64}}
GROUP BY name ORDER BY seconds DESC, name LIMIT {_COSTS}"""  # noqa: S608 - a checked name
    return context.engine.run(Statement(sql, "read what runs cost", since))


def lines(found: Status) -> Sequence[str]:
    """A status for a terminal."""
    told = ["PAUSED since {since} by {who}: {reason}".format(**found.paused)] if found.paused else []
    told += [f"source {each['name']}: {_days(each)}{_late(each)}" for each in found.sources]
    told += [f"model {each['name']}: {_days(each)}" for each in found.models]
    told += ["failed check: {subject} {check} {last}: {message}".format(**each) for each in found.failed_checks]
    told += [f"open alert: {each['alert']}: {each['message']}" for each in found.alerts]
    told += [_RUN.format(**each) for each in found.runs]
    told += [f"cost {each['name']}: {each['seconds']:.1f} s" for each in found.costs]
    told += [f"stale {each['what']}: {each['rows']:,} rows, {each['bytes']:,} bytes" for each in found.stale]
    return told


def _days(each: dict[str, Any]) -> str:
    if not each["days"]:
        return "nothing stored"
    return f"{each['days']} day{'s' if each['days'] > 1 else ''}, {each['first']} to {each['last']}"


def _late(each: dict[str, Any]) -> str:
    return f"; NOT FRESH: {each['reason'] or 'newest ' + each['newest']}" if each["fresh"] is False else ""
