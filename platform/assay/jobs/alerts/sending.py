"""From the project's routes to channels, and messages through them: what alerts and reports share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from assay.catalog.catalog import Catalog, Metric
from assay.config import env
from assay.config.alert import AlertSpec
from assay.config.definitions import Definition
from assay.config.route import RouteSpec
from assay.delivery import (
    Acknowledgements,
    Channel,
    Channels,
    Escalation,
    FileLedger,
    Limit,
    Message,
    Past,
    Quiet,
    Receipt,
    Route,
    channel_limits,
    deliver,
    open_channel,
    route,
)
from assay.jobs.context import Context


def send(
    context: Context,
    messages: Iterable[Message],
    clock: datetime,
    acknowledgements: Acknowledgements | None = None,
) -> tuple[Receipt, ...]:
    """Route and send; what was sent before is not sent again. Raises DeliveryError for a ledger that cannot be used."""
    found = routes(context.catalog)
    channels = Channels(found, lambda each: _open(context, each))
    return deliver(messages, found, channels, ledger(context), clock, acknowledgements=acknowledgements)


def ledger(context: Context) -> FileLedger:
    """What this project has sent, and when."""
    context.target.mkdir(parents=True, exist_ok=True)
    return FileLedger(context.target / "sent.jsonl")


def routes(catalog: Catalog) -> dict[str, Route]:
    """The project's routes by name, with references to the environment as they are written."""
    return {name: _route(each, catalog.zone) for name, each in catalog.definitions.routes.items()}


def _route(definition: Definition[RouteSpec], zone: str) -> Route:
    spec = definition.spec
    channel, options = next(iter(spec.channels.items()), ("", None))
    limits = (Limit(*spec.limit),) if spec.limit else ()
    return Route(
        definition.name,
        channel,
        options.model_dump(exclude_none=True) if options else {},
        match=spec.match,
        routes=spec.routes,
        goes_on=spec.goes_on,
        group_by=spec.group_by,
        repeat=spec.repeat,
        quiet=Quiet(*spec.quiet, zone) if spec.quiet else None,
        limits=(*limits, *channel_limits(channel)),
        escalate=Escalation(spec.escalate.after, spec.escalate.to) if spec.escalate else None,
        fallback=spec.fallback or "",
    )


def _open(context: Context, route: Route) -> Channel:
    """With environment variables filled in, and paths that start at the project's root."""
    options = {name: _filled(value, context.environ) for name, value in route.options.items()}
    if "path" in options:
        options["path"] = context.root / options["path"]
    return open_channel(route.channel, options)


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return env.resolve(value, environ)
    return tuple(_filled(each, environ) for each in value) if isinstance(value, tuple | list) else value


def labels(
    alert: Definition[AlertSpec], metrics: Iterable[Metric], slices: Iterable[Mapping[str, str]]
) -> dict[str, str]:
    """What routes match and group by: an alert, and what its metrics and slices (dimension → value) share."""
    metrics = tuple(metrics)
    owners = {alert.spec.owner} if alert.spec.owner else {each.spec.owner for each in metrics}
    tiers = [each.spec.tier for each in metrics if each.spec.tier]
    found = {
        "alert": alert.name,
        "route": alert.spec.route,
        "severity": alert.spec.severity,
        "metric": _common(each.name for each in metrics),
        "owner": _common(each or "" for each in owners),
        "tier": str(min(tiers)) if tiers else "",
    }
    shared = alert.spec.labels | _shared([dict(each) for each in slices])
    return shared | {name: value for name, value in found.items() if value}


def _common(values: Iterable[str]) -> str:
    """The one value that all have, or an empty text."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _shared(slices: list[dict[str, str]]) -> dict[str, str]:
    first, *others = slices or [{}]
    return {name: value for name, value in first.items() if all(each.get(name) == value for each in others)}


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where alerts would go: by which route, to whom, and why. A reason alone says why nobody would hear."""

    route: str
    channel: str
    recipient: str
    reason: str
    alerts: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"alerts": list(self.alerts)}


def explain(catalog: Catalog, more: Mapping[str, str], alerts: Collection[str], clock: datetime) -> list[Delivered]:
    """Who would get which alerts (all when empty) at a moment, with `more` labels; nothing is sent or remembered.

    Raises UsageError E201 for an unknown alert.
    """
    chosen = [catalog.alert(name) for name in alerts] or list(catalog.definitions.alerts.values())
    found: dict[tuple[str, str, str], list[str]] = {}
    tree = routes(catalog)
    for alert in chosen:
        for decision in route([_example(catalog, alert, more, clock)], tree, clock, Past()):
            found.setdefault((decision.route, decision.action, decision.reason), []).append(alert.name)
    return [_delivered(tree.get(name), name, action, reason, told) for (name, action, reason), told in found.items()]


def _example(catalog: Catalog, alert: Definition[AlertSpec], more: Mapping[str, str], clock: datetime) -> Message:
    metrics = [catalog.metrics[name] for name in alert.spec.metrics if name in catalog.metrics]
    found = labels(alert, metrics, ()) | dict(more)
    severity: Any = found["severity"]
    return Message(alert.name, alert.name, "", severity=severity, created=clock, labels=found, kind="fire")


def _delivered(found: Route | None, name: str, action: str, reason: str, alerts: list[str]) -> Delivered:
    if found is None or action == "fail":
        return Delivered(name, "", "", reason, tuple(alerts))
    return Delivered(name, found.channel, recipient(found), reason, tuple(alerts))


def recipient(found: Route) -> str:
    """Whom a route reaches, as it is written: references to the environment stay references."""
    options = found.options
    if found.channel == "telegram":
        return f"{options['chat']}, topic {options['thread']}" if "thread" in options else str(options["chat"])
    if found.channel == "apprise":
        return f"{str(options['url']).partition('://')[0]}://…"
    return str(options.get("path", found.channel))
