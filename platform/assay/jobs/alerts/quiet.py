"""When nobody is told: silences, from the definitions or by somebody's hand, and alerts that speak for others."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.delivery.routes import matches
from assay.detect import Action, State, act
from assay.jobs.alerts import events
from assay.jobs.context import Context
from assay.statement import Statement


@dataclass(frozen=True, slots=True)
class Done:
    """What somebody did: acknowledge or snooze an incident, silence labels, or say what an alert was worth."""

    id: str
    at: datetime
    kind: str
    target: str
    match: Mapping[str, tuple[str, ...]]
    start: datetime
    until: datetime
    who: str
    why: str

    def as_dict(self) -> dict[str, Any]:
        """The contract of `alert ack` and of the others that write one."""
        times = {"at": self.at.isoformat(), "from": self.start.isoformat(), "until": self.until.isoformat()}
        match = {label: list(values) for label, values in self.match.items()}
        return {name: getattr(self, name) for name in ("id", "kind", "target", "who", "why")} | times | {"match": match}


def done(context: Context, at: datetime) -> list[Done]:
    """Everything that was done up to a moment, oldest first."""
    sql = f"""SELECT id, toUnixTimestamp64Micro(at), kind, target, match,
  toUnixTimestamp(start), toUnixTimestamp(until), who, why
FROM {context.database}.alert_actions FINAL
WHERE at <= fromUnixTimestamp64Micro({{at:Int64}}, 'UTC') ORDER BY at, id"""  # noqa: S608 - a checked name
    rows = context.engine.run(Statement(sql, "read actions", {"at": int(at.timestamp() * 1_000_000)})).rows
    return [_done(*row) for row in rows]


def _done(name: str, at: int, kind: str, target: str, match: str, start: int, until: int, who: str, why: str) -> Done:
    labels = {label: tuple(values) for label, values in json.loads(match or "{}").items()}
    moments = (datetime.fromtimestamp(each, UTC) for each in (at / 1_000_000, start, until))
    when, begin, end = moments
    return Done(name, when, kind, target, labels, begin, end, who, why)


class Silences:
    """Who is silenced when: by labels, and a moment."""

    def __init__(self, context: Context, actions: Collection[Done]) -> None:
        self._context = context
        self._declared = context.catalog.definitions.silences
        lifted = {each.target: each.at for each in actions if each.kind == "unsilence"}
        silences = [each for each in actions if each.kind == "silence"]
        self._by_hand = [(each, min(each.until, lifted.get(each.id, each.until))) for each in silences]

    def of(self, labels: Mapping[str, str], at: datetime) -> tuple[str, ...]:
        """The reasons for which nobody hears of a series at a moment, sorted."""
        local = events.local(self._context, at)
        declared = (
            f"{name}: {each.spec.why}"
            for name, each in self._declared.items()
            if each.spec.covers(local) and matches(each.spec.match, labels)
        )
        by_hand = (
            f"{each.id}: {each.why}"
            for each, until in self._by_hand
            if each.start <= at < until and matches(each.match, labels)
        )
        return tuple(sorted({*declared, *by_hand}))


def zone(context: Context) -> ZoneInfo:
    """The project's clock."""
    return ZoneInfo(context.catalog.zone)


def inhibited(alert: Definition[AlertSpec], firing: Collection[str]) -> tuple[str, ...]:
    """The alerts that speak for this one."""
    return tuple(f"'{name}' fires" for name in alert.spec.inhibited_by if name in firing)


def snoozed(state: State, at: datetime) -> tuple[str, ...]:
    """Whether somebody wants to hear of it later."""
    episodes = [each for each in (state.anomaly, state.blind) if each]
    late = bool(episodes) and all(at.timestamp() < each.snoozed for each in episodes)
    return ("snoozed",) if late else ()


def acted(states: Mapping[str, State], actions: Collection[Done], incident: str) -> dict[str, State]:
    """States after what people did about their incident."""
    found = dict(states)
    for each in actions:
        if each.target == incident and each.kind in ("ack", "snooze"):
            found = {name: act(state, _action(each)) for name, state in found.items()}
    return found


def _action(each: Done) -> Action:
    return Action("ack", each.who) if each.kind == "ack" else Action("snooze", each.who, each.until.timestamp())


class Acknowledged:
    """The port of `delivery`: who has seen the incident of a thread, named `alert:incident`; who snoozes it has.

    `silenced`: threads that are quiet, with the reason: nobody is called for them either.
    """

    def __init__(self, actions: Collection[Done], silenced: Mapping[str, str]) -> None:
        self._who = {each.target: each.who for each in actions if each.kind in ("ack", "snooze")}
        self._silenced = silenced

    def by(self, episode: str) -> str:
        """Empty if nobody has."""
        return self._who.get(episode.rpartition(":")[2]) or self._silenced.get(episode, "")
