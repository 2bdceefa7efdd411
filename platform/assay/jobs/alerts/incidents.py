"""What people were told of: incidents by the names that their messages carry, and what was done about them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from assay.delivery import mark
from assay.errors import UsageError, did_you_mean
from assay.jobs.alerts import memory, quiet
from assay.jobs.alerts.messages import key
from assay.jobs.alerts.quiet import Done
from assay.jobs.alerts.rule import Rule
from assay.jobs.context import Context
from assay.jobs.storage import builds
from assay.statement import Statement

_MOST = 1000  # that can still be named


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident as of a moment. `message`: what was found first. `acknowledged` by whom, `snoozed` until when."""

    id: str
    alert: str
    since: datetime
    severity: str
    message: str
    open: bool
    acknowledged: str | None = None
    snoozed: datetime | None = None

    @property
    def mark(self) -> str:
        """The short name at the end of its messages."""
        return mark(key(self.alert, self.id))

    def as_dict(self) -> dict[str, Any]:
        """One entry of the contract of `alert open`."""
        until = self.snoozed.isoformat() if self.snoozed else None
        return asdict(self) | {"mark": self.mark, "since": self.since.isoformat(), "snoozed": until}


def known(context: Context) -> list[Incident]:
    """Incidents that somebody was told of up to now, the newest first."""
    builds.prepare(context)
    sql = f"""SELECT alert, incident, toUnixTimestamp(min(since)), toUnixTimestamp(min(slot)), max(critical),
  argMin(finding, (slot, sequence))
FROM {context.database}.alert_events FINAL
WHERE incident != '' AND slot <= fromUnixTimestamp({{at:Int64}})
GROUP BY alert, incident
ORDER BY min(since) DESC, incident
LIMIT {{most:UInt32}}"""  # noqa: S608 - a checked name
    parameters = {"at": int(context.now.timestamp()), "most": _MOST}
    rows = context.engine.run(Statement(sql, "read incidents", parameters)).rows
    defined = context.catalog.definitions.alerts
    rules = {name: Rule(context, defined[name]) for name in {row[0] for row in rows} & defined.keys()}
    open_ = {incident for rule in rules.values() if (incident := _open(rule))}
    actions = quiet.done(context, context.now)
    return [
        _incident(rules[name], identity, since, bool(critical), finding, identity in open_, actions)
        for name, identity, since, slot, critical, finding in rows
        if name in rules and datetime.fromtimestamp(slot, UTC) + rules[name].spec.every <= context.now
    ]


def _open(rule: Rule) -> str | None:
    incident = memory.read(rule.context, rule.alert.name, rule.newest(rule.context.now)).incident
    return incident.id if incident else None


def _incident(
    rule: Rule, identity: str, since: int, critical: bool, finding: str, open_: bool, actions: Iterable[Done]
) -> Incident:
    context, done = rule.context, [each for each in actions if each.target == identity]
    snoozes = [each.until for each in done if each.kind == "snooze"]
    until = snoozes[-1] if snoozes and snoozes[-1] > context.now else None
    return Incident(
        identity,
        rule.alert.name,
        datetime.fromtimestamp(since, quiet.zone(context)),
        "critical" if critical else rule.spec.severity,
        json.loads(finding).get("message", ""),
        open_,
        next((each.who for each in reversed(done) if each.kind == "ack"), None),
        until.astimezone(quiet.zone(context)) if until else None,
    )


def find(context: Context, name: str) -> Incident:
    """By its id, its mark, or a beginning of one of them that fits no other.

    Raises UsageError E201 for one that nobody was told of, or a beginning of several.
    """
    return choose(known(context), name)


def choose(incidents: Collection[Incident], name: str) -> Incident:
    """The one of some incidents with a name; see `find`."""
    word = name.strip().removeprefix("#").lower()
    names = {each.id: (each.id, each.mark.removeprefix("#")) for each in incidents}
    exact = [each for each in incidents if word in names[each.id]]
    found = exact or [each for each in incidents if word and any(own.startswith(word) for own in names[each.id])]
    if len(found) != 1:
        _none_or_many(name, found, incidents)
    return found[0]


def _none_or_many(name: str, found: Collection[Incident], incidents: Collection[Incident]) -> NoReturn:
    marks = [each.mark for each in found or incidents]
    near = did_you_mean(name if name.startswith("#") else f"#{name}", marks)
    raise UsageError.of(
        "E201",
        f"'{name}' is the beginning of {len(found)} incidents." if found else f"There is no incident '{name}'.{near}",
        why="An incident is known by the mark at the end of its messages, such as #a1b2c3, or by its id.",
        fix=f"Use one of: {', '.join(marks[:12]) or 'nobody was told of any'}. 'platform alert open --all' lists them.",
    )
