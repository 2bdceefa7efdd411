"""`alert check`: judge, confirm, explain, and say it once to whom it concerns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from assay.catalog.catalog import Catalog
from assay.compiler import zone
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.delivery import Receipt
from assay.detect import Event, Judgement
from assay.errors import AssayError
from assay.jobs.alerts import findings, memory, messages, quiet, scores, sending, slots
from assay.jobs.alerts.findings import Finding
from assay.jobs.alerts.quiet import Acknowledged, Silences
from assay.jobs.alerts.rule import Rule
from assay.jobs.alerts.tick import Around, Series, Ticked, parsed, tick
from assay.jobs.context import Context
from assay.jobs.storage import builds, pauses


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of one tick: `failed` alerts were not judged, `blocked` ones lack days of their history."""

    at: datetime
    evaluated: int
    findings: tuple[Finding, ...]
    receipts: tuple[Receipt, ...]
    quiet: Counter[str]
    failed: Mapping[str, AssayError]
    blocked: Mapping[str, AssayError] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The contract of `alert check`."""
        held = self.quiet + Counter(receipt.detail for receipt in self.receipts if receipt.status == "skipped")
        return {
            "schema": 1,
            "at": self.at.isoformat(),
            "evaluated": self.evaluated,
            "firing": [each.as_dict() for each in self.findings],
            "sent": sum(receipt.status == "sent" for receipt in self.receipts),
            "suppressed": [{"reason": reason, "count": count} for reason, count in sorted(held.items())],
            "failed": _told(self.failed),
            "blocked": _told(self.blocked),
        }


def _told(errors: Mapping[str, AssayError]) -> list[dict[str, Any]]:
    return [{"alert": name} | each.as_dict() for name, error in errors.items() for each in error.diagnostics]


def select(catalog: Catalog, names: Collection[str]) -> list[Definition[AlertSpec]]:
    """Alerts by name, all when empty; those that speak for others before them. Raises UsageError E201."""
    wanted = [catalog.alert(name) for name in dict.fromkeys(names)] or list(catalog.definitions.alerts.values())
    found: dict[str, Definition[AlertSpec]] = {}
    left = {each.name: each for each in wanted}
    while left:
        ready = [each for each in left.values() if not set(each.spec.inhibited_by) & set(left)]
        for each in ready or left.values():
            found[each.name] = each
        left = {name: each for name, each in left.items() if name not in found}
    return list(found.values())


def check(context: Context, at: datetime, names: Collection[str] = (), send: bool = True) -> Checked:
    """Judge alerts as of a moment; the same moment checked twice sends nothing twice.

    Slots since the last check are judged in order. Without `send`, nothing goes out and nothing is remembered.
    An alert whose data cannot be read or fails a check is told in `failed`, and the others go on; one whose history
    lacks days because of failed checks is judged without them, and told in `blocked`.
    Raises UsageError E201, and WarehouseError or CheckFailed when no alert can be judged.
    """
    chosen = select(context.catalog, names)
    pauses.refuse(context)
    builds.prepare(context)
    actions = quiet.done(context, at)
    silences, ticked = Silences(context, actions), list[Ticked]()
    for alert in chosen:
        around = Around(actions, silences, _firing(context, alert, ticked, at))
        ticked.append(tick(Rule(context, alert), at, around))
    found = {each.name: findings.of(each) for each in ticked}
    receipts = _send(context, ticked, found, at) if send else ()
    failed = {each.name: each.error for each in ticked if each.error}
    if failed and len(failed) == len(chosen):
        raise next(iter(failed.values()))
    return Checked(
        at,
        sum(each.evaluated for each in ticked),
        tuple(finding for each in found.values() for finding in each),
        receipts,
        sum((findings.reasons(each) for each in ticked), Counter[str]()),
        failed,
        dict(_blocked(context, ticked)),
    )


def _firing(context: Context, alert: Definition[AlertSpec], ticked: Collection[Ticked], at: datetime) -> set[str]:
    """Which alerts that speak for this one fire, or did within its window: so long it sees what they told of."""
    now = {each.name: each.after for each in ticked}
    found = set()
    for name in alert.spec.inhibited_by:
        rule = Rule(context, context.catalog.alert(name))
        known = now.get(name) or memory.read(context, name, rule.newest(at))
        reach = (alert.spec.window or timedelta(0)) + alert.spec.resolve * alert.spec.every
        if known.fires or memory.read(context, name, rule.newest(at - reach)).fires:
            found.add(name)
    return found


def _send(
    context: Context, ticked: Iterable[Ticked], found: Mapping[str, tuple[Finding, ...]], at: datetime
) -> tuple[Receipt, ...]:
    """Messages are planned before the states are kept: a crash in between says them again, and they are said once."""
    ticked = list(ticked)
    said = [message for each in ticked for message in messages.of(each, found[each.name])]
    acknowledged = Acknowledged(quiet.done(context, max(at, context.now)), dict(_silenced(ticked)))
    receipts = sending.send(context, said, at, acknowledged)
    for each in ticked:
        _keep(context, each, found[each.name])
    return receipts


def _silenced(ticked: Iterable[Ticked]) -> Iterator[tuple[str, str]]:
    """Threads of which nobody hears now, and why."""
    for each in ticked:
        if each.after.incident and each.quiet and all(each.quiet.values()):
            yield messages.key(each.name, each.after.incident.id), next(iter(each.quiet.values()))[0]


def _keep(context: Context, ticked: Ticked, found: Collection[Finding]) -> None:
    """The memory comes last: after a crash before it the slot is judged again, and nothing else is written twice."""
    rows = list(_events(ticked, found))
    memory.record(context, ticked.name, rows, ticked.newest)
    for each in ticked.series:
        memory.scores(context, ticked.name, _scores(ticked, each), ticked.newest)
    memory.keep(context, ticked.name, ticked.before, ticked.after)


def _events(ticked: Ticked, found: Collection[Finding]) -> Iterator[dict[str, Any]]:
    known = {each.fingerprint: each for each in found}
    incidents = {name: note.incident.id for note in ticked.notes for name in (*note.incident.open, *note.incident.over)}
    timeline = ticked.rule.timeline
    for event in ticked.events:
        metric, (dimension, value) = parsed(event.fingerprint)
        finding = known.get(event.fingerprint)
        yield {
            "alert": ticked.name,
            "metric": metric,
            "dim": dimension,
            "val": value,
            "episode": event.episode.id,
            "sequence": event.episode.sequence,
            "incident": incidents.get(event.episode.id, ""),
            "about": event.episode.about,
            "kind": event.kind,
            "slot": timeline.start(event.slot),
            "since": timeline.start(event.episode.since),
            "critical": int(event.episode.critical),
            "told": int(event.notify),
            "quiet": list(event.quiet),
            "lost": event.episode.lost,
            "finding": json.dumps((finding or _passed(ticked, event)).as_dict(), ensure_ascii=False),
        }


def _passed(ticked: Ticked, event: Event) -> Finding:
    """What is known of an episode that began and ended between two ticks."""
    metric, where = parsed(event.fingerprint)
    found = ticked.rule.context.catalog.metric(metric)
    begun = ticked.rule.timeline.start(event.episode.since)
    assert begun is not None, "an episode begins with a slot"
    since = findings.local(ticked.rule, begun)
    return Finding(ticked.rule.alert, found, where, "resolved", since, Judgement("no_data", None), event.episode)


def _scores(ticked: Ticked, series: Series) -> dict[str, list[Any]]:
    """The newest slot of every series, as columns."""
    scored, newest = series.scored, series.scored.scores.newest(1)
    start = ticked.rule.timeline.start(ticked.newest)
    many = len(series.names)
    columns: dict[str, list[Any]] = {
        "alert": [ticked.name] * many,
        "metric": [series.metric.name] * many,
        "dim": [dimension for dimension, _ in series.names],
        "val": [value for _, value in series.names],
        "slot": [start] * many,
    }
    for name in ("value", "expected", "low", "high", "sigma", "score"):
        numbers = getattr(newest, name)[:, 0]
        columns[name] = [
            number if known else None for number, known in zip(numbers.tolist(), np.isfinite(numbers), strict=True)
        ]
    return columns | {
        "threshold": [scored.scores.threshold] * many,
        "hit": series.readings.sides[:, -1].tolist(),
        "rule": [ticked.rule.hash] * many,
    }


def _blocked(context: Context, ticked: Iterable[Ticked]) -> Iterator[tuple[str, AssayError]]:
    """Failed checks on days of the history."""
    for each in ticked:
        reach = scores.Reach.of(each.rule, each.newest)
        days = [*zone.days(reach.past.days[0], reach.recent.days[1] + timedelta(days=1))]
        if each.error is None and (lacking := slots.blocked(context, each.rule.metrics, days)):
            yield each.name, lacking
