"""What people read: one message when an incident begins, its updates as replies, and one when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from assay.config.base import show_duration
from assay.delivery import Block, Message, mark
from assay.detect import Event, Incident, Note
from assay.jobs.alerts import findings, scores, sending
from assay.jobs.alerts.findings import Finding, tell
from assay.jobs.alerts.rule import Rule
from assay.jobs.alerts.tick import Ticked, parsed
from assay.report.format import show
from assay.report.png import alert_png
from assay.report.views import AlertChart

_LINES = 12  # series that a message lists
_SHOWN = timedelta(days=1)  # what a chart shows, and for long slots
_POINTS = 48


def of(ticked: Ticked, found: Sequence[Finding]) -> list[Message]:
    """What there is to say after a tick. The beginning of an open incident is said every time: who was told it once
    hears it again only by the `repeat` of the route, and not once it is acknowledged or while it is quiet."""
    said = [_message(ticked, found, note) for note in ticked.notes]
    open_ = ticked.after.incident
    if open_ and not any(note.word == "fire" and note.incident.id == open_.id for note in ticked.notes):
        members = _members(found, open_)
        if unseen := [each.episode for each in members if _unseen(each) and each.episode]:
            woken = max(each.snoozed for each in unseen)  # a snooze that is over is news, and repeats go on from it
            name = f"woken:{woken:.0f}" if woken > 0 else ""
            said.insert(0, _fire(ticked, open_, members, "update" if name else "fire", name))
    return [each for each in said if each is not None]


def _unseen(found: Finding) -> bool:
    """Whether somebody should hear of it and nobody has said that they have."""
    return found.episode is not None and not found.episode.acknowledged and not found.quiet


def key(alert: str, incident: str) -> str:
    """The thread of an incident."""
    return f"{alert}:{incident}"


def _message(ticked: Ticked, found: Sequence[Finding], note: Note) -> Message | None:
    if note.word in ("fire", "update"):
        members = _members(found, note.incident)
        return _fire(ticked, note.incident, members, note.word) if members else None
    return _end(ticked, found, note)


def _members(found: Sequence[Finding], incident: Incident) -> list[Finding]:
    """The open episodes of an incident, the earliest first, totals before slices."""
    mine = [each for each in found if each.episode and each.episode.id in incident.open and each.state != "resolved"]
    return sorted(mine, key=lambda each: (each.since, each.slice, each.metric.name))


def _fire(
    ticked: Ticked, incident: Incident, members: Sequence[Finding], word: Literal["fire", "update"], name: str = ""
) -> Message:
    """The state of an incident; an update has a `name` in its thread, its number when left out."""
    alert, worst = ticked.rule.alert, max(members, key=lambda each: abs(each.newest.score or 0.0))
    thread = key(alert.name, incident.id)
    causes = dict.fromkeys(told for each in members for told in map(tell, each.causes))
    since = f"Since {_moment(members[0].since, alert.spec.every)}."
    lines = [*_listed(members), *causes, since, *_links(ticked), mark(thread)]
    title = f"{alert.spec.label or alert.name}: {worst.subject}"
    return _built(
        ticked, incident, members,
        key=thread if word == "fire" else f"{thread}:{name or incident.said}",
        title=title if word == "fire" else f"Update · {title}",
        text="\n".join(lines),
        blocks=(Block(worst.subject, "", alert_png(chart(ticked, worst)), worst.metric.name),),
        kind=word,
        incidents=(incident.id,),
    )  # fmt: skip


def _end(ticked: Ticked, found: Sequence[Finding], note: Note) -> Message:
    alert, incident = ticked.rule.alert, note.incident
    every = alert.spec.every
    begun = ticked.rule.timeline.start(incident.since)
    assert begun is not None, "an incident begins with a slot"
    since = findings.local(ticked.rule, begun)
    if note.word == "correct":
        title, first = "Corrected", "Late rows have come: there was no incident."
    else:
        last = max((slot for event in note.events for slot in event.episode.hits), default=ticked.newest)
        length = last + 1 - incident.since
        title, first = "Back to usual", f"It lasted {_duration(length * every)}, from {_moment(since, every)}."
    mine = [each for each in found if each.fingerprint in {event.fingerprint for event in note.events}]
    return _built(
        ticked, incident, mine,
        key=f"{key(alert.name, incident.id)}:resolve",
        title=f"{title} · {alert.spec.label or alert.name}",
        text="\n".join([first, *_lost(ticked.rule, note.events)]),
        kind="resolve",
    )  # fmt: skip


def _built(ticked: Ticked, incident: Incident, members: Sequence[Finding], **content: Any) -> Message:
    """A message of an incident's thread, labelled by what it is about."""
    alert, end = ticked.rule.alert, ticked.rule.timeline.end(ticked.newest)
    assert end is not None, "a judged slot exists"
    critical = any(each.severity == "critical" for each in members)
    known = {each.metric.name: each.metric for each in members} or {each.name: each for each in ticked.rule.metrics}
    labels = sending.labels(alert, known.values(), [each.by for each in members])
    severity: Any = "critical" if critical else alert.spec.severity
    return Message(
        severity=severity,
        created=end,
        labels={**labels, "severity": severity},
        episode="" if content["kind"] == "fire" else key(alert.name, incident.id),
        **content,
    )


def _listed(members: Sequence[Finding]) -> list[str]:
    lines = [f"• {each.sentence}" for each in members[:_LINES]]
    return lines + ([f"… and {len(members) - _LINES} more"] if len(members) > _LINES else [])


def _links(ticked: Ticked) -> list[str]:
    """Where to look and what to do; `{slot}` is the beginning of the newest slot."""
    spec, start = ticked.rule.spec, ticked.rule.timeline.start(ticked.newest)
    assert start is not None, "a judged slot exists"
    slot = findings.local(ticked.rule, start).isoformat()
    links = (("Dashboard", spec.dashboard), ("What to do", spec.runbook))
    return [f"{name}: {link.replace('{slot}', slot)}" for name, link in links if link]


def _lost(rule: Rule, events: Sequence[Event]) -> list[str]:
    """How much was missing, or too much, over the slots that deviated."""
    lines = []
    for event in events[:_LINES]:
        metric, (dimension, value) = parsed(event.fingerprint)
        found = rule.context.catalog.metric(metric)
        if event.episode.lost and found.spec.type in ("count", "sum"):
            what = "lost" if event.episode.lost > 0 else "more than usual"
            where = f", {dimension} {value}" if dimension else ""
            lines.append(f"• {found.label}{where}: about {show(abs(event.episode.lost), found.spec.format)} {what}")
    return lines


def _moment(begun: datetime, every: timedelta) -> str:
    """A day for daily alerts, a time of day for the others."""
    return f"{begun:%d %b %Y}" if every >= timedelta(days=1) else f"{begun:%d %b %Y, %H:%M}"


def _duration(length: timedelta) -> str:
    """`5 h 45 min`, `3 days`."""
    if length >= timedelta(days=2):
        return f"{length / timedelta(days=1):.0f} days"
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)) or show_duration(length)


def chart(ticked: Ticked, found: Finding) -> AlertChart:
    """A day of one series, with what was expected of it; for long slots, as many of them."""
    every = ticked.rule.alert.spec.window or ticked.rule.alert.spec.every
    count = max(_SHOWN // every, _POINTS)
    judged, windows = scores.course(ticked.rule, found.metric, found.slice, ticked.newest, count)
    numbers = range(windows.count - judged.shape[1], windows.count)
    starts = [windows.timeline.start(windows.last(column)) for column in numbers]
    points = [each.judgements()[0] for each in (judged.slots(slice(at, at + 1)) for at in range(judged.shape[1]))]
    known = [(findings.local(ticked.rule, at), each) for at, each in zip(starts, points, strict=True) if at]
    return AlertChart(
        title=found.subject,
        format=found.metric.spec.format,
        series=tuple((at, each.value) for at, each in known),
        band=tuple((at, each.low, each.high) for at, each in known),
        at=known[-1][0],
    )
