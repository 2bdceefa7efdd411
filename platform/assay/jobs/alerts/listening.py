"""`alert listen`: buttons that people press under messages become actions.

The warehouse is opened for the moment of writing only, because an embedded one serves one process at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.config import env
from assay.config.route import RouteSpec, Telegram
from assay.delivery import FileLedger, Later
from assay.delivery.buttons import Verb, answered, parse
from assay.delivery.presses import Press, Presses
from assay.delivery.telegram_bot import Bot, token
from assay.errors import AssayError, UsageError, did_you_mean
from assay.jobs.alerts import actions, incidents, quiet, sending
from assay.jobs.alerts.actions import Person
from assay.jobs.alerts.incidents import Incident
from assay.jobs.alerts.quiet import Done
from assay.jobs.context import Context

Opened = Callable[[datetime], AbstractContextManager[Context]]
_POLL = timedelta(seconds=25)  # one request lasts so long when nobody presses anything
_LONGEST = 60.0  # seconds between two attempts while the service fails
_SNOOZE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a listener needs: `opened` opens the warehouse at a moment, `clock` tells the time, and the chats that may
    act are those of the project's routes with buttons, also after a group has moved, which the `ledger` knows."""

    opened: Opened
    clock: Callable[[], datetime]
    chats: frozenset[str]
    ledger: FileLedger
    bot: Bot

    def allows(self, chats: Collection[str]) -> bool:
        moved = self.ledger.read().moved
        known = self.chats.union(moved[each] for each in self.chats & moved.keys())
        return not known.isdisjoint(each.lower() for each in chats)  # a @name is the same in capitals


def desk(opened: Opened, clock: Callable[[], datetime], route: str = "") -> Desk:
    """For the routes with buttons, or for one of them.

    Raises UsageError E601 if there is none or they belong to several bots, E201 for an unknown route, and E702 for a
    variable that is not set.
    """
    with opened(clock()) as context:
        found = _routes(context, route)
        spec, *others = found.values()
        if {_bot(context, each) for each in others} - {_bot(context, spec)}:
            raise _several(found)
        chats = frozenset(env.resolve(str(each.chat), context.environ).lower() for each in found.values())
        return Desk(opened, clock, chats, sending.ledger(context), Bot(*_bot(context, spec)))


def _routes(context: Context, name: str) -> dict[str, Telegram]:
    routes = context.catalog.definitions.routes
    if name and name not in routes:
        raise UsageError.of(
            "E201",
            f"There is no route '{name}'.{did_you_mean(name, routes)}",
            why="Messages with buttons come by a route.",
            fix=f"Use one of: {', '.join(routes)}.",
        )
    found = {each: spec for each in routes if (spec := _with_buttons(routes[each].spec)) and name in ("", each)}
    if not found:
        raise UsageError.of(
            "E601",
            f"The route '{name}' has no buttons." if name else "No route has buttons.",
            why="Only messages with buttons can be answered, and only chats of such routes may do it.",
            fix="Add to a route: telegram: {chat: …, buttons: true}",
        )
    return found


def _with_buttons(spec: RouteSpec) -> Telegram | None:
    return spec.telegram if spec.telegram and spec.telegram.buttons else None


def _bot(context: Context, spec: Telegram) -> tuple[str, str]:
    own = env.resolve(spec.bot, context.environ) if spec.bot else None
    return token(own, context.environ), env.resolve(spec.base_url, context.environ)


def _several(found: Mapping[str, Telegram]) -> UsageError:
    return UsageError.of(
        "E601",
        f"The routes {', '.join(found)} belong to several bots.",
        why="A listener asks one bot for what was pressed.",
        fix=f"Start one for each bot: platform alert listen --route {next(iter(found))}",
    )


def listen(desk: Desk, length: timedelta | None = None, pause: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """Act on what is pressed, for a time or for ever; a line about each press and each failure of the network.

    A `length` of zero takes what waits already. A network that fails is asked again, later each time, as long as there
    is time; then DeliveryError E701 is raised. So it is at once for a wrong token or a second listener.
    """
    presses, failures = Presses(desk.bot), 0
    end = None if length is None else desk.clock() + length
    try:
        while True:
            left = _POLL if end is None else min(max(end - desk.clock(), timedelta(0)), _POLL)
            try:
                found = presses.wait(left.total_seconds())
            except Later as fault:
                failures += 1
                if end is not None and not left:
                    raise
                yield fault.diagnostics[0].message
                pause(_patience(fault, failures))
                continue
            failures = 0
            for press in found:
                yield handle(desk, presses, press)
            if not (found or left):
                return
    finally:
        presses.close()


def _patience(fault: Later, failures: int) -> float:
    """Seconds: what the service asks for, else twice as long each time."""
    return fault.after.total_seconds() if fault.after else min(2.0 ** (failures - 1), _LONGEST)


def handle(desk: Desk, presses: Presses, press: Press) -> str:
    """Act on one press, answer it and show it under the message; what was done, in a line.

    The action is written first: if the answer is lost, the press can be repeated.
    """
    asked = parse(press.data)
    if not desk.allows(press.chats):
        presses.answer(press, "This chat may not answer the alerts of this project.", alert=True)
        return f"refused: {press.who} in the chat {' '.join(press.chats) or '?'}, where no route with buttons goes"
    if asked is None:
        presses.answer(press, "")
        return f"nothing to do for {press.who}"
    verb, names = asked
    try:
        with desk.opened(desk.clock()) as context:
            done = _act(context, verb, names, press)
            said = actions.told(done[0], quiet.zone(context))
    except AssayError as error:
        presses.answer(press, f"Not done. {error.diagnostics[0].message}", alert=True)
        return f"not done for {press.who}: {error.diagnostics[0].message}"
    presses.answer(press, said)
    presses.edit(press, answered(press.rows, press.data, said))
    return f"{said} ({', '.join(each.target for each in done)})"


def _act(context: Context, verb: Verb, names: Collection[str], press: Press) -> list[Done]:
    """For each incident of the message; those that are over are only judged."""
    known = incidents.known(context)
    found = [incidents.choose(known, each) for each in names]
    open_ = [each for each in found if each.open]
    chosen = found if verb in ("useful", "noise") or not open_ else open_
    person = Person(press.who, press=press.id)
    return [_ACTS[verb](context, each, person) for each in chosen]


_ACTS: Mapping[Verb, Callable[[Context, Incident, Person], Done]] = {
    "ack": actions.acknowledge,
    "snooze": lambda context, incident, person: actions.snooze(context, incident, _SNOOZE, person),
    "useful": lambda context, incident, person: actions.feedback(context, incident, True, person),
    "noise": lambda context, incident, person: actions.feedback(context, incident, False, person),
}
