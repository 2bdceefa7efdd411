"""What an alert remembers between ticks, and the record of what happened; both as of any slot."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from assay.detect import Episode, Incident, State
from assay.jobs.context import Context
from assay.statement import Insert, Statement

_ITSELF = ""  # the fingerprint of what the alert remembers as a whole


@dataclass(frozen=True, slots=True)
class Memory:
    """`judged`: the newest slot, None before the first. `states` by fingerprint, only of series about which there is
    something to remember. `incident`: what people know to be open."""

    judged: int | None = None
    states: Mapping[str, State] = field(default_factory=dict)
    incident: Incident | None = None

    @property
    def fires(self) -> bool:
        """Whether an episode is open."""
        return any(state.anomaly or state.blind for state in self.states.values())

    def about(self, metrics: Collection[str]) -> Memory:
        """Without the metrics that the alert judges no more: nobody waits for their end."""
        left = {name: state for name, state in self.states.items() if name.split("/")[1] in metrics}
        gone = {each.id for name in self.states.keys() - left for each in _open(self.states[name])}
        incident = self.incident and self.incident.without(gone)
        return Memory(self.judged, left, incident)


def _open(state: State) -> list[Episode]:
    return [each for each in (state.anomaly, state.blind) if each]


def read(context: Context, alert: str, until: int) -> Memory:
    """What an alert knew after the slot `until`."""
    sql = f"""SELECT fingerprint, max(slot), argMax(state, (slot, stored_at)) FROM {context.database}.alert_memory
WHERE alert = {{alert:String}} AND slot <= {{until:Int64}}
GROUP BY fingerprint"""  # noqa: S608 - a checked name
    rows = context.engine.run(Statement(sql, "read open episodes", {"alert": alert, "until": until})).rows
    found = {fingerprint: (slot, json.loads(state)) for fingerprint, slot, state in rows if state}
    judged, own = found.pop(_ITSELF, (None, {}))
    incident = own.get("incident")
    states = {name: State.from_dict(state) for name, (_, state) in found.items()}
    return Memory(judged, states, incident and Incident.from_dict(incident))


def keep(context: Context, alert: str, before: Memory, after: Memory) -> None:
    """Remember what changed, under the newest slot; what there is nothing to remember about any more is emptied."""
    assert after.judged is not None, "something was judged"
    changed = {name: state for name, state in after.states.items() if before.states.get(name) != state}
    rows = {name: json.dumps(state.as_dict()) if matters(state) else "" for name, state in changed.items()}
    gone = [name for name, state in rows.items() if not state and name not in before.states]
    rows = {name: state for name, state in rows.items() if name not in gone}
    rows[_ITSELF] = json.dumps({"incident": after.incident and after.incident.as_dict()})
    columns: dict[str, list[Any]] = {
        "alert": [alert] * len(rows),
        "fingerprint": list(rows),
        "slot": [after.judged] * len(rows),
        "state": list(rows.values()),
    }
    _insert(context, "alert_memory", columns, f"{alert}:{after.judged}")


def matters(state: State) -> bool:
    """Whether a state differs from that of a series about which nothing is known but that it is ordinary."""
    return bool(state.anomaly or state.blind or state.recent or state.missing)


def record(context: Context, alert: str, rows: Sequence[Mapping[str, Any]], slot: int) -> None:
    """Events as they happened; the same event twice is one."""
    _rows(context, "alert_events", rows, f"{alert}:{slot}:events")


def scores(context: Context, alert: str, columns: Mapping[str, Sequence[Any]], slot: int) -> None:
    """The scores of a slot; judged again, they are replaced."""
    _insert(context, "alert_scores", columns, f"{alert}:{slot}:scores")


def _rows(context: Context, table: str, rows: Collection[Mapping[str, Any]], token: str) -> None:
    if rows:
        names = list(next(iter(rows)))
        _insert(context, table, {name: [row[name] for row in rows] for name in names}, token)


def _insert(context: Context, table: str, columns: Mapping[str, Sequence[Any]], token: str) -> None:
    if next(iter(columns.values()), ()):
        moment = context.now.isoformat()
        context.engine.run(Insert(f"{context.database}.{table}", columns, f"remember {table}", f"{token}:{moment}"))


def episodes(context: Context, alert: str, until: datetime, most: int = 50) -> list[dict[str, Any]]:
    """What was found of each episode that began before a moment, newest first, as `alert check` tells of it."""
    sql = f"""SELECT argMax(kind, sequence), argMaxIf(finding, sequence, kind != 'resolve'), max(told),
  argMax(lost, sequence), toUnixTimestamp(argMax(slot, sequence))
FROM {context.database}.alert_events FINAL
WHERE alert = {{alert:String}} AND slot < fromUnixTimestamp({{until:Int64}})
GROUP BY episode HAVING argMax(kind, sequence) != 'correct'
ORDER BY min(since) DESC, episode
LIMIT {{most:UInt32}}"""  # noqa: S608 - a checked name
    parameters = {"alert": alert, "until": int(until.timestamp()), "most": most}
    rows = context.engine.run(Statement(sql, "read episodes", parameters)).rows
    return [_episode(context, *row) for row in rows]


def _episode(context: Context, kind: str, finding: str, told: int, lost: float, slot: int) -> dict[str, Any]:
    """`ended`: the beginning of the slot in which it was seen to be over."""
    found: dict[str, Any] = json.loads(finding)
    ended = datetime.fromtimestamp(slot, ZoneInfo(context.catalog.zone)).isoformat() if kind == "resolve" else None
    state = "resolved" if ended else found["state"]
    return found | {"state": state, "ended": ended, "told": bool(told), "lost": lost}


def judged(context: Context, alert: str, metric: str, start: datetime, end: datetime) -> Sequence[tuple[Any, ...]]:
    """What was expected of a metric's total: (beginning of the slot in seconds, low, high), by time."""
    sql = f"""SELECT toUnixTimestamp(slot), low, high FROM {context.database}.alert_scores FINAL
WHERE alert = {{alert:String}} AND metric = {{metric:String}} AND dim = ''
  AND slot >= fromUnixTimestamp({{start:Int64}}) AND slot < fromUnixTimestamp({{end:Int64}})
ORDER BY slot"""  # noqa: S608 - a checked name
    window = {"start": int(start.timestamp()), "end": int(end.timestamp())}
    return context.engine.run(Statement(sql, "read scores", {"alert": alert, "metric": metric, **window})).rows
