"""Rules about silences and known events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

from assay.catalog.catalog import Catalog
from assay.catalog.rules import labels
from assay.catalog.rules.common import Broken
from assay.config.definitions import Definition
from assay.config.events import SilenceSpec
from assay.errors import Diagnostic


def matches(catalog: Catalog, broken: Broken) -> Iterator[Diagnostic]:
    """Silences and events are about labels that series have: another word would match nothing."""
    definitions = catalog.definitions
    for each in chain(definitions.silences.values(), definitions.events.values()):
        yield from labels.matched(each, labels.OF_SERIES, catalog, broken)


def hours(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Hours that end when they begin silence nothing."""
    for each in catalog.definitions.silences.values():
        if each.spec.hours and each.spec.hours[0] == each.spec.hours[1]:
            yield Diagnostic(
                "E303",
                f"The hours of the silence '{each.name}' are empty.",
                "They end when they begin, so that nothing would be silent.",
                'Write two different hours, such as "03:00-04:00", or delete the line for whole days.',
                each.at("hours"),
            )


def over(catalog: Catalog, now: datetime) -> Iterator[Diagnostic]:
    """W302 for silences that have ended at a moment. Only `validate` asks: no other stage has a clock."""
    for each in catalog.definitions.silences.values():
        if _end(each, catalog) <= now:
            yield Diagnostic(
                "W302",
                f"The silence '{each.name}' is over since {each.spec.end:%Y-%m-%d %H:%M}.",
                "It silences nothing any more, and hides which ones still do.",
                "Delete it; the history of the file keeps it.",
                each.at("end"),
                "warning",
            )


def next_end(catalog: Catalog, now: datetime) -> datetime | None:
    """When the next silence will be over; None if none will."""
    ends = (_end(each, catalog) for each in catalog.definitions.silences.values())
    return min((end for end in ends if end > now), default=None)


def _end(silence: Definition[SilenceSpec], catalog: Catalog) -> datetime:
    return silence.spec.end.replace(tzinfo=ZoneInfo(catalog.zone))
