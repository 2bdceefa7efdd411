"""From the project's routes to channels, and messages through them: what alerts and reports share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from assay.config import env
from assay.config.definitions import Definition
from assay.config.route import RouteSpec
from assay.delivery import FileLedger, Message, Quiet, Receipt, Route, deliver, open_channels
from assay.jobs.context import Context


def send(context: Context, messages: Iterable[Message], clock: datetime) -> tuple[Receipt, ...]:
    """Route and send; what was sent before is not sent again. Raises DeliveryError for a ledger that cannot be used."""
    routes = {name: _route(context, definition) for name, definition in context.catalog.definitions.routes.items()}
    return deliver(messages, routes, open_channels(routes), ledger(context), clock)


def ledger(context: Context) -> FileLedger:
    """What this project has sent, and when."""
    context.target.mkdir(parents=True, exist_ok=True)
    return FileLedger(context.target / "sent.jsonl")


def _route(context: Context, definition: Definition[RouteSpec]) -> Route:
    spec = definition.spec
    ((channel, options),) = spec.channels.items()
    quiet = Quiet(*spec.quiet, context.catalog.zone) if spec.quiet else None
    return Route(definition.name, channel, _options(context, options), spec.group_by, spec.repeat, quiet)


def _options(context: Context, options: Any) -> dict[str, Any]:
    """With environment variables filled in, and paths that start at the project's root."""
    texts = {name: env.resolve(str(value), context.environ) for name, value in options.model_dump().items()}
    return {name: context.root / text if name == "path" else text for name, text in texts.items()}


def local_time(context: Context, moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(context.catalog.zone))
