"""`alert check`: judge, confirm, explain, and say it once to whom it concerns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from assay import detect
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.delivery import Block, Message, Receipt
from assay.detect import Cause, Judgement, Policy, Verdict
from assay.errors import AssayError, CheckFailed, WarehouseError
from assay.jobs.alerts import judge, sending
from assay.jobs.alerts.judge import Judged, Ticks, cause, judged
from assay.jobs.context import Context
from assay.jobs.storage import builds
from assay.report.format import show, show_signed
from assay.report.png import alert_png
from assay.report.views import AlertChart
from assay.statement import Insert, Statement

OPEN = ("firing", "pending", "resolved")


@dataclass(frozen=True, slots=True)
class Finding:
    """A metric and slice that deserves attention; `since` is the end of the first slot of its episode."""

    alert: Definition[AlertSpec]
    judged: Judged
    verdict: Verdict
    since: datetime
    causes: tuple[Cause, ...] = ()

    @property
    def newest(self) -> Judgement:
        return self.judged.judgements[-1]

    @property
    def by(self) -> dict[str, str]:
        dimension, value = self.judged.slice
        return {dimension: value} if dimension else {}

    @property
    def subject(self) -> str:
        """`Feed users, city Moscow`."""
        where = "".join(f", {dimension} {value}" for dimension, value in self.by.items())
        return f"{self.judged.metric.label}{where}"

    @property
    def sentence(self) -> str:
        """Value, expectation and change, for people."""
        style, now = self.judged.metric.spec.format, self.newest
        change = f" ({show_signed(now.change)})" if now.change is not None else ""
        expected = f"{show(now.low, style)} to {show(now.high, style)}"
        return f"{self.subject}: {show(now.value, style)}, expected {expected}{change}"

    def as_dict(self) -> dict[str, Any]:
        spec, now = self.alert.spec, self.newest
        return {
            "alert": self.alert.name,
            "metric": self.judged.metric.name,
            "by": self.by,
            "state": self.verdict.state,
            "since": self.since.isoformat(),
            "value": now.value,
            "low": now.low,
            "high": now.high,
            "deviation": now.deviation,
            "change": now.change,
            "severity": spec.severity,
            "route": spec.route,
            "explained_by": [_cause_dict(each) for each in self.causes],
            "message": self.sentence,
        }


def _cause_dict(found: Cause) -> dict[str, Any]:
    by = {found.dimension: list(found.values)}
    return {"by": by, "share": found.share, "before": found.before, "after": found.after}


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


def select(context: Context, names: Collection[str]) -> list[Definition[AlertSpec]]:
    """Alerts by name, all when empty. Raises UsageError E201."""
    wanted = [context.catalog.alert(name) for name in dict.fromkeys(names)]
    return wanted or list(context.catalog.definitions.alerts.values())


def check(context: Context, at: datetime, names: Collection[str] = (), send: bool = True) -> Checked:
    """Judge alerts as of a moment; the same moment checked twice sends nothing twice.

    Without `send`, nothing goes out and no episode is kept.
    An alert whose data cannot be read or fails a check is told in `failed`, and the others go on; one whose history
    lacks days because of failed checks is judged without them, and told in `blocked`.
    Raises UsageError E201, and WarehouseError or CheckFailed when no alert can be judged.
    """
    builds.prepare(context)
    evaluated, quiet, findings = 0, Counter[str](), []
    failed: dict[str, AssayError] = {}
    blocked: dict[str, AssayError] = {}
    chosen = select(context, names)
    for alert in chosen:
        try:
            found, reasons, series = _judge(context, alert, at, send)
        except (WarehouseError, CheckFailed) as error:
            failed[alert.name] = error
            continue
        if lacking := judge.blocked(context, alert, at):
            blocked[alert.name] = lacking
        findings += found
        quiet += reasons
        evaluated += series
    if failed and len(failed) == len(chosen):
        raise next(iter(failed.values()))
    messages = [_message(context, *group) for group in _by_alert(findings)] if send else []
    receipts = sending.send(context, messages, at) if send else ()
    return Checked(at, evaluated, tuple(findings), receipts, quiet, failed, blocked)


def _judge(
    context: Context, alert: Definition[AlertSpec], at: datetime, keep: bool
) -> tuple[list[Finding], Counter[str], int]:
    """What one alert found, why its other series are quiet, and how many series there are."""
    series, end = judged(context, alert, at), Ticks(context, alert, at).end
    confirmed, reasons = _confirmed(context, alert, series, end)
    found = _explained(context, alert, confirmed)
    if keep:
        _remember(context, alert, found, end)
    return found, reasons, len(series)


def _confirmed(
    context: Context, alert: Definition[AlertSpec], series: Sequence[Judged], end: datetime
) -> tuple[list[Finding], Counter[str]]:
    """Series in an open episode, and the reasons why others are quiet although something was seen."""
    spec = alert.spec
    policy = Policy(spec.confirm, spec.direction, spec.min_volume, spec.min_change)
    earlier = _episodes(context, alert, series[0].ends[0] if series else end, end)
    findings, reasons = [], Counter[str]()
    for each in series:
        verdict = detect.follow(each.judgements, policy)
        if verdict.state in OPEN:
            since = _since(each, verdict, spec.confirm[1], earlier)
            findings.append(Finding(alert, each, verdict, sending.local_time(context, since)))
        elif verdict.state != "ok" or each.judgements[-1].status == "anomaly":
            reasons[verdict.reason] += 1
    return findings, reasons


_Key = tuple[str, str, str]


def _since(series: Judged, verdict: Verdict, needed: int, earlier: dict[_Key, datetime]) -> datetime:
    """Where the episode began: as remembered, if it is older than what was replayed."""
    if verdict.since is None:
        return series.ends[-1]
    begun = series.ends[verdict.since]
    # an episode is confirmed at the earliest by the n-th replayed slot: one that begins there may be older
    older = verdict.since < needed
    return earlier.get((series.metric.name, *series.slice), begun) if older else begun


def _episodes(context: Context, alert: Definition[AlertSpec], start: datetime, end: datetime) -> dict[_Key, datetime]:
    """(metric, dimension, value): the beginning of the episode that was open in the replayed slots before `end`."""
    sql = f"""SELECT metric, dim, val, toUnixTimestamp(argMax(since, slot)) FROM {context.database}.alert_states
WHERE alert = {{alert:String}} AND state = 'firing'
  AND toUnixTimestamp(slot) >= {{start:Int64}} AND toUnixTimestamp(slot) < {{end:Int64}}
GROUP BY metric, dim, val"""  # noqa: S608 - a checked name
    parameters = {"alert": alert.name, "start": int(start.timestamp()), "end": int(end.timestamp())}
    rows = context.engine.run(Statement(sql, "read open episodes", parameters)).rows
    return {(metric, dim, val): datetime.fromtimestamp(since, UTC) for metric, dim, val, since in rows}


def _remember(context: Context, alert: Definition[AlertSpec], findings: Sequence[Finding], end: datetime) -> None:
    if not findings:
        return
    columns: dict[str, list[Any]] = {
        "alert": [alert.name] * len(findings),
        "metric": [each.judged.metric.name for each in findings],
        "dim": [each.judged.slice[0] for each in findings],
        "val": [each.judged.slice[1] for each in findings],
        "slot": [end] * len(findings),
        "state": [each.verdict.state for each in findings],
        "since": [each.since for each in findings],
        "finding": [json.dumps(each.as_dict(), ensure_ascii=False) for each in findings],
    }
    token = f"{alert.name}:{end.isoformat()}:{context.now.isoformat()}"
    context.engine.run(Insert(f"{context.database}.alert_states", columns, "remember open episodes", token))


def _explained(context: Context, alert: Definition[AlertSpec], findings: Sequence[Finding]) -> list[Finding]:
    """The cause is looked for once per metric, when something fires."""
    causes: dict[str, tuple[Cause, ...]] = {}
    for each in findings:
        metric = each.judged.metric
        if each.verdict.state == "firing" and metric.name not in causes:
            causes[metric.name] = cause(context, alert, metric, each.judged.ends[-1])
    return [
        Finding(each.alert, each.judged, each.verdict, each.since, causes.get(each.judged.metric.name, ()))
        for each in findings
    ]


def _by_alert(findings: Iterable[Finding]) -> list[tuple[Definition[AlertSpec], list[Finding]]]:
    """Alerts with something firing, and what fires."""
    grouped: dict[str, list[Finding]] = {}
    for each in findings:
        if each.verdict.state == "firing":
            grouped.setdefault(each.alert.name, []).append(each)
    return [(found[0].alert, found) for found in grouped.values()]


def _message(context: Context, alert: Definition[AlertSpec], findings: Sequence[Finding]) -> Message:
    """One message per alert and episode: what, how far from usual, and why."""
    first = min(findings, key=lambda each: (each.since, each.judged.slice != ("", "")))
    worst = max(findings, key=lambda each: abs(each.newest.score or 0.0))
    lines = [f"• {each.sentence}" for each in sorted(findings, key=lambda each: each.since)]
    reasons = dict.fromkeys(told for each in findings for told in map(tell, each.causes))
    text = "\n".join([*lines, *reasons, f"Since {_begun(first)}."])
    return Message(
        key=f"{alert.name}:{first.since.isoformat()}",
        title=f"{alert.spec.label or alert.name}: {worst.subject}",
        text=text,
        blocks=(Block(worst.subject, "", alert_png(_chart(context, worst)), worst.judged.metric.name),),
        severity=alert.spec.severity,
        created=first.judged.ends[-1],
        labels=sending.labels(
            alert,
            {each.judged.metric.name: each.judged.metric for each in findings}.values(),
            [each.by for each in findings],
        ),
        kind="fire",
    )


def _begun(first: Finding) -> str:
    """When the first slot of an episode began: a day for daily alerts, a time of day for the others."""
    every = first.alert.spec.every
    return f"{first.since - every:{'%d %b %Y' if every >= timedelta(days=1) else '%d %b %Y, %H:%M'}}"


def tell(found: Cause) -> str:
    """The cause in a sentence."""
    change = show_signed((found.after - found.before) / found.before) if found.before else "new"
    share = "all" if found.share >= 0.995 else f"{found.share:.0%}"
    return f"Explained by {found.dimension}: {', '.join(found.values)} ({change}, {share} of the change)."


def _chart(context: Context, finding: Finding) -> AlertChart:
    ends = [sending.local_time(context, end) for end in finding.judged.ends]
    judgements = finding.judged.judgements
    return AlertChart(
        title=finding.subject,
        format=finding.judged.metric.spec.format,
        series=tuple(zip(ends, (each.value for each in judgements), strict=True)),
        band=tuple((end, each.low, each.high) for end, each in zip(ends, judgements, strict=True)),
        at=ends[-1],
    )
