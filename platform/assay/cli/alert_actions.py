"""What people do about alerts: `alert open`, `ack`, `snooze`, `feedback`, `silence`, `unsilence`, `silences`."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli import common

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from assay.jobs.alerts.actions import Person
    from assay.jobs.alerts.incidents import Incident
    from assay.jobs.alerts.quiet import Done
    from assay.jobs.context import Context

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Length(click.ParamType[timedelta]):
    """A length of time such as 30s, 15m, 2h or 3d."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([1-9]\d{0,5})([smhdw])", str(value))
        if found is None:
            self.fail(f"'{value}' is not a length of time such as 30s, 15m, 2h or 3d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


class Labels(click.ParamType[dict[str, tuple[str, ...]]]):
    """Labels such as city=Moscow,alert=feed; a label that stands twice may have either value."""

    name = "labels"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, tuple[str, ...]]:
        if isinstance(value, dict):
            return value
        found: dict[str, tuple[str, ...]] = {}
        for name, _, text in (each.partition("=") for each in str(value).split(",")):
            if not name.strip() or not text.strip():
                self.fail(f"'{value}' is not a list of labels such as city=Moscow,alert=feed", param, ctx)
            found[name.strip()] = (*found.get(name.strip(), ()), text.strip())
        return found


who_option = click.option("--who", help="Who does it (default: the user of this machine).")
why_option = click.option("--why", default="", help="The reason, for those who wonder.")
at_option = click.option("--at", help="At this moment, such as 2025-08-24T12:00, in the project's zone (default: now).")
incident_argument = click.argument("incident")


def _opened(project: Path, at: str | None) -> AbstractContextManager[Context]:
    loaded = common.load(project)
    return loaded.open(common.local_moment(at, loaded.catalog.zone) if at else common.now())


@contextmanager
def _found(project: Path, at: str | None, incident: str) -> Iterator[tuple[Context, Incident]]:
    """The incident that a command is about, in an open warehouse."""
    from assay.jobs.alerts import incidents

    with _opened(project, at) as context:
        yield context, incidents.find(context, incident)


def _person(who: str | None, why: str) -> Person:
    from assay.jobs.alerts.actions import Person

    return Person((who or "").strip() or _user(), why)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a table of users
        return "somebody"


def _show(done: Done, format: str, text: str) -> None:
    if format == "json":
        common.print_json(done.as_dict())
    else:
        click.echo(text)


@click.command("ack")
@incident_argument
@who_option
@why_option
@at_option
@common.format_option("text", "json")
@common.project_option
@common.command
def ack(incident: str, who: str | None, why: str, at: str | None, format: str, project: Path) -> None:
    """Take care of INCIDENT (its mark #a1b2c3, or its id): it is not repeated and not escalated."""
    from assay.jobs.alerts import actions

    with _found(project, at, incident) as (context, found):
        done = actions.acknowledge(context, found, _person(who, why))
    _show(done, format, f"{found.mark} {found.alert}: acknowledged by {done.who}")


@click.command("snooze")
@incident_argument
@click.option("--for", "length", type=Length(), required=True, help="How long, such as 2h.")
@who_option
@why_option
@at_option
@common.format_option("text", "json")
@common.project_option
@common.command
def snooze(
    incident: str, length: timedelta, who: str | None, why: str, at: str | None, format: str, project: Path
) -> None:
    """Hear of INCIDENT (its mark #a1b2c3, or its id) again when the time is over."""
    from assay.jobs.alerts import actions, quiet

    with _found(project, at, incident) as (context, found):
        done = actions.snooze(context, found, length, _person(who, why))
        until = done.until.astimezone(quiet.zone(context))
    _show(done, format, f"{found.mark} {found.alert}: snoozed until {until:%Y-%m-%d %H:%M} by {done.who}")


@click.command("feedback")
@incident_argument
@click.option("--useful", type=click.Choice(("yes", "no")), required=True, help="Whether it was worth a message.")
@who_option
@why_option
@at_option
@common.format_option("text", "json")
@common.project_option
@common.command
def feedback(incident: str, useful: str, who: str | None, why: str, at: str | None, format: str, project: Path) -> None:
    """Say what INCIDENT (its mark #a1b2c3, or its id) was worth; also when it is over."""
    from assay.jobs.alerts import actions

    with _found(project, at, incident) as (context, found):
        done = actions.feedback(context, found, useful == "yes", _person(who, why))
    _show(done, format, f"{found.mark} {found.alert}: {done.kind}, says {done.who}")


@click.command("silence")
@click.option("--match", type=Labels(), required=True, help="Labels of the series, such as city=Moscow,alert=feed.")
@click.option("--for", "length", type=Length(), required=True, help="How long, such as 6h: every silence has an end.")
@click.option("--why", required=True, help="The reason, for those who wonder.")
@who_option
@at_option
@common.format_option("text", "json")
@common.project_option
@common.command
def silence(
    match: dict[str, tuple[str, ...]],
    length: timedelta,
    why: str,
    who: str | None,
    at: str | None,
    format: str,
    project: Path,
) -> None:
    """Tell nobody of series with these labels for a while; what is still open then is told of then."""
    from assay.jobs.alerts import actions, quiet

    with _opened(project, at) as context:
        done = actions.silence(context, match, length, _person(who, why))
        until = done.until.astimezone(quiet.zone(context))
    end = f"end it before: platform alert unsilence {done.id}"
    _show(done, format, f"{done.id} holds until {until:%Y-%m-%d %H:%M}; {end}")


@click.command("unsilence")
@click.argument("name", metavar="ID")
@who_option
@why_option
@at_option
@common.format_option("text", "json")
@common.project_option
@common.command
def unsilence(name: str, who: str | None, why: str, at: str | None, format: str, project: Path) -> None:
    """End the silence ID now."""
    from assay.jobs.alerts import actions

    with _opened(project, at) as context:
        done = actions.unsilence(context, name, _person(who, why))
    _show(done, format, f"{name} is lifted")


@click.command("silences")
@at_option
@common.format_option("text", "json")
@common.project_option
@common.command
def silences(at: str | None, format: str, project: Path) -> None:
    """List silences, declared and by hand: which hold, come, or are over."""
    from assay.jobs.alerts import actions

    with _opened(project, at) as context:
        found = actions.silences(context)
        moment = context.now
    if format == "json":
        common.print_json({"at": moment.isoformat(), "silences": [each.as_dict() for each in found]})
        return
    for each in found:
        match = ",".join(f"{name}={value}" for name, values in each.match.items() for value in values) or "everything"
        by = each.declared or f"by {each.who}"
        click.echo(f"{each.state:<7} {each.id}  {match}  {_span(each.start, each.end)}  {each.why} ({by})")
    if not found:
        click.echo("There are no silences.")


def _span(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"


@click.command("open")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@at_option
@common.format_option("text", "json")
@common.project_option
@common.command
def open_(everything: bool, at: str | None, format: str, project: Path) -> None:
    """List the incidents that are open, by the marks that their messages carry."""
    from assay.jobs.alerts import incidents

    with _opened(project, at) as context:
        found = [each for each in incidents.known(context) if each.open or everything]
        moment = context.now
    if format == "json":
        common.print_json({"at": moment.isoformat(), "incidents": [each.as_dict() for each in found]})
        return
    for each in found:
        click.echo(f"{each.mark}  {each.alert}  {each.severity}  since {each.since:%Y-%m-%d %H:%M}{_overlays(each)}")
        click.echo(f"{'':9}{each.message}")
    if not found:
        click.echo("No incident is open.")


def _overlays(incident: Incident) -> str:
    over = "" if incident.open else ", over"
    seen = f", acknowledged by {incident.acknowledged}" if incident.acknowledged else ""
    later = f", snoozed until {incident.snoozed:%Y-%m-%d %H:%M}" if incident.snoozed else ""
    return over + seen + later


COMMANDS = (open_, ack, snooze, feedback, silence, unsilence, silences)
