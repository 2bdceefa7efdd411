"""What deserves attention in a tick, in plain values and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from assay import detect
from assay.catalog.catalog import Metric
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.detect import LEARNING, Cause, Episode, Judgement, State
from assay.jobs.alerts import causes
from assay.jobs.alerts.histories import Slice
from assay.jobs.alerts.rule import Rule
from assay.jobs.alerts.tick import Series, Ticked, fingerprint, parsed, policy
from assay.report.format import show, show_signed

Phase = Literal["pending", "firing", "no_data", "resolved"]
_NOTHING = Judgement("no_data", None)


@dataclass(frozen=True, slots=True)
class Finding:
    """A metric and slice that deserves attention. `since`: the beginning of the first slot of its episode.

    `quiet`: why nobody is told. `why`: what keeps it from being judged.
    """

    alert: Definition[AlertSpec]
    metric: Metric
    slice: Slice
    state: Phase
    since: datetime
    newest: Judgement
    episode: Episode | None = None
    causes: tuple[Cause, ...] = ()
    quiet: tuple[str, ...] = ()
    why: str = ""

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.alert.name, self.metric.name, self.slice)

    @property
    def by(self) -> dict[str, str]:
        dimension, value = self.slice
        return {dimension: value} if dimension else {}

    @property
    def severity(self) -> str:
        return "critical" if self.episode and self.episode.critical else self.alert.spec.severity

    @property
    def subject(self) -> str:
        """`Feed users, city Moscow`."""
        where = "".join(f", {dimension} {value}" for dimension, value in self.by.items())
        return f"{self.metric.label}{where}"

    @property
    def sentence(self) -> str:
        """Value, expectation and change, for people."""
        style, now = self.metric.spec.format, self.newest
        if self.state == "no_data":
            return f"{self.subject}: no data since {self.since:%H:%M}{f' ({self.why})' if self.why else ''}"
        if now.status == "no_data" or now.expected is None:
            return f"{self.subject}: {show(now.value, style)}, nothing to compare with"
        bounds = f"{show(now.low, style)} to {show(now.high, style)}"
        if now.status == "ok":
            return f"{self.subject}: {show(now.value, style)}, back within {bounds}"
        change = f" ({show_signed(now.change)})" if now.change is not None else ""
        expected = f"expected {bounds}"
        if now.deviation == 0:  # two slots together are beyond what each of them may be
            expected = f"about {show(now.expected, style)} expected, the second time in a row"
        return f"{self.subject}: {show(now.value, style)}, {expected}{change}"

    def as_dict(self) -> dict[str, Any]:
        spec, now = self.alert.spec, self.newest
        return {
            "alert": self.alert.name,
            "metric": self.metric.name,
            "by": self.by,
            "state": self.state,
            "since": self.since.isoformat(),
            "value": now.value,
            "expected": now.expected,
            "low": now.low,
            "high": now.high,
            "deviation": now.deviation,
            "change": now.change,
            "severity": self.severity,
            "route": spec.route,
            "explained_by": [_cause(each) for each in self.causes],
            "quiet": list(self.quiet),
            "message": self.sentence,
        }


def _cause(found: Cause) -> dict[str, Any]:
    by = {found.dimension: list(found.values)}
    return {"by": by, "share": found.share, "before": found.before, "after": found.after}


def tell(found: Cause) -> str:
    """The cause in a sentence."""
    change = show_signed((found.after - found.before) / found.before) if found.before else "new"
    share = "all" if found.share >= 0.995 else show(round(found.share, 2), "percent")
    return f"Explained by {found.dimension}: {', '.join(found.values)} ({change}, {share} of the change)."


def of(ticked: Ticked) -> tuple[Finding, ...]:
    """Everything that is pending, firing or without data after a tick, and what has just ended, by name.

    The cause is looked for once per metric, when something fires.
    """
    found = list(_found(ticked))
    firing = {each.metric.name: each.metric for each in found if each.state == "firing" and not ticked.error}
    why = {name: causes.explain(ticked.rule, each, ticked.newest) for name, each in firing.items()}
    return tuple(
        replace(each, causes=why.get(each.metric.name, ())) if each.state == "firing" else each for each in found
    )


def _found(ticked: Ticked) -> Iterator[Finding]:
    judged = {each.metric.name: each for each in ticked.series}
    told = {event.fingerprint: event for event in ticked.events}
    for name, state in sorted(ticked.after.states.items()):
        before, event = ticked.before.states.get(name), told.get(name)
        phase = _phase(state, before is not None and bool(before.anomaly or before.blind))
        if phase is None:
            continue
        metric, where = parsed(name)
        ended = before if phase == "resolved" else None
        episode = _episode(ended or state)
        yield Finding(
            ticked.rule.alert, ticked.rule.context.catalog.metric(metric), where, phase,
            local(ticked.rule, _since(ticked, state, episode)), _newest(judged.get(metric), where),
            episode, (), event.quiet if event and event.quiet else ticked.quiet.get(name, ()), _why(ticked),
        )  # fmt: skip


def _phase(state: State, was_open: bool) -> Phase | None:
    if state.blind:
        return "no_data"
    if state.anomaly:
        return "firing"
    if was_open:
        return "resolved"
    return "pending" if state.recent else None


def _episode(state: State) -> Episode | None:
    return state.blind or state.anomaly


def _since(ticked: Ticked, state: State, episode: Episode | None) -> datetime:
    first = episode.since if episode else state.recent[0][0]
    start = ticked.rule.timeline.start(first)
    assert start is not None, "an episode begins with a slot"
    return start


def _newest(series: Series | None, where: Slice) -> Judgement:
    if series is None or where not in series.names:
        return _NOTHING
    return judgement(series, series.names.index(where))


def judgement(series: Series, row: int) -> Judgement:
    """The newest slot of one series."""
    return series.scored.scores.series([row]).judgements()[0]


def _why(ticked: Ticked) -> str:
    return ticked.error.diagnostics[0].message.rstrip(".") if ticked.error else ""


def reasons(ticked: Ticked) -> Counter[str]:
    """Why the other series are quiet although something was seen, or although they cannot be judged."""
    found = Counter[str]()
    rule = policy(ticked.rule.spec)
    for each in ticked.series:
        scored, sides = each.scored.scores, each.readings.sides[:, -1]
        found["too little history"] += int(np.count_nonzero(scored.state[:, -1] == LEARNING))
        for row in np.flatnonzero(scored.flagged[:, -1] & (sides == 0)):
            objection = detect.objection(judgement(each, int(row)), rule)
            muted = (
                "a known event explains it" if each.scored.muted[row, -1] else "among so many slices it may be chance"
            )
            found[objection or muted] += 1
    return +found


def local(rule: Rule, moment: datetime) -> datetime:
    """A moment in the project's zone."""
    return moment.astimezone(ZoneInfo(rule.timeline.zone))
