"""Every way in which Assay says no, in one file.

    AssayError                  70  our bug, when nothing more precise applies
    ├── DefinitionsError         1  YAML definitions or project settings are wrong
    ├── UsageError               2  the command line asks for something impossible
    ├── WarehouseError           3  ClickHouse refused, failed or timed out
    │   └── EngineBusy           3  another process holds the embedded database
    ├── DeliveryError            4  a message could not be handed over
    └── CheckFailed              5  a check or a gate failed

Each carries `Diagnostic` records: where, what, why, fix and a code. The number is the exit code of the command.
This module imports the standard library only, so that every layer may use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Self

# Controls that steer a terminal or begin a line of a log, marks that turn the direction of writing, and the two forms
# of secrets that we handle: a password in an address, and the token of a bot.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SECRETS = re.compile(r"(?<=://)([^\s:/@]*):\S*(?=@)|(?<!\d)\d{6,12}:[\w-]{8,}")
_LONGEST = 2_000  # characters


def shown(text: str) -> str:
    """A text that came from somewhere, fit to be printed: one line, of bounded length, without controls and secrets.

    >>> shown("clickhouse://me:secret@host/db")
    'clickhouse://me:…@host/db'
    """
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return _SECRETS.sub(_redacted, _CONTROLS.sub(_plain, text))


def _plain(found: re.Match[str]) -> str:
    return " " if found[0] in "\n\r" else "\N{REPLACEMENT CHARACTER}"


def _redacted(found: re.Match[str]) -> str:
    return "…" if found[1] is None else f"{found[1]}:…"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file; line and column count from 1."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{shown(self.path)}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake, told in four parts and a code.

    `message` says what is wrong in one sentence, `why` gives the reason for the rule, `fix` an edit that one can type.
    """

    code: str
    message: str
    why: str
    fix: str
    location: Location | None = None
    severity: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        for part in ("message", "why", "fix"):
            object.__setattr__(self, part, shown(getattr(self, part)))

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.code} {self.message}\n  why: {self.why}\n  fix: {self.fix}"

    def as_dict(self) -> dict[str, Any]:
        """The JSON form of `contracts.md`: code, path, line, column, message, why, fix."""
        place = asdict(self.location) if self.location else {"path": None, "line": None, "column": None}
        return {"code": self.code, **place, "message": self.message, "why": self.why, "fix": self.fix}


class AssayError(Exception):
    """Base of every error that Assay raises on purpose; `exit_code` is what the command returns."""

    exit_code: ClassVar[int] = 70

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n".join(str(each) for each in diagnostics))

    @classmethod
    def of(cls, code: str, message: str, *, why: str, fix: str, location: Location | None = None) -> Self:
        """The usual case: an error of one diagnostic."""
        return cls(Diagnostic(code, message, why, fix, location))


class DefinitionsError(AssayError):
    exit_code = 1


class UsageError(AssayError):
    exit_code = 2


class WarehouseError(AssayError):
    exit_code = 3


class EngineBusy(WarehouseError):
    """The embedded database stayed locked by another process for the whole bounded wait."""


class DeliveryError(AssayError):
    exit_code = 4


class CheckFailed(AssayError):
    exit_code = 5


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known word as ` Did you mean 'x'?`, or an empty string."""
    from difflib import get_close_matches  # only mistakes pay for this import

    near = get_close_matches(word, sorted(set(known)), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


# The closed table of codes: `platform explain CODE` prints it, a test compares it with `tests/bad/`.
CODES: dict[str, str] = {
    # E0xx: YAML
    "E001": "The file is not YAML.",
    "E002": "A key stands twice in one mapping, or a name is defined twice.",
    "E003": "The file cannot be read as UTF-8 text.",
    "E004": "YAML anchors, tags or merge keys are not part of the language.",
    # E1xx: shape
    "E101": "Unknown top-level key.",
    "E102": "Unknown field.",
    "E103": "A required field is missing.",
    "E104": "A value has the wrong type or form.",
    "E105": "Unknown type or kind.",
    "E106": "No project.yaml here or above.",
    # E2xx: references
    "E201": "Unknown name.",
    "E202": "Definitions depend on each other in a circle.",
    "E203": "Unknown dimension.",
    "E204": "Unknown column.",
    "E205": "Unknown entity.",
    # E3xx: meaning
    "E301": "The parts of a metric do not fit together.",
    "E302": "The metric cannot be used in this place.",
    "E303": "The dates are empty or reversed.",
    "E304": "A dimension means different things in the sources that are combined.",
    "E305": "What a definition was renamed from is still there.",
    "E306": "Two experiments that run at the same time get in each other's way.",
    "E307": "No message can reach a route.",
    "W301": "A definition changes what its numbers mean, or goes away.",
    "W302": "A silence is over.",
    # E4xx: compile
    "E401": "The SQL expression cannot be parsed.",
    "E402": "A statement or a forbidden construct stands where an expression is expected.",
    "E403": "The Jinja template fails.",
    # E5xx: warehouse
    "E501": "No warehouse is configured.",
    "E502": "The warehouse address (DSN) is not understood.",
    "E503": "Another process is using the embedded database.",
    "E504": "The warehouse cannot be reached.",
    "E505": "The warehouse refused the statement.",
    "E506": "A table is missing.",
    "E507": "A column is missing in the warehouse.",
    "E508": "The disk is full or not writable.",
    "E509": "The statement took longer than its limit.",
    "E510": "A check on freshly built data failed, so nothing was published.",
    "E511": "The range has no data yet.",
    "E512": "The source is not fresh.",
    "E513": "An alert would send more messages than its budget allows.",
    "E514": "An alert would not notice a large drop.",
    "E515": "A statement would cost more than its limit.",
    "E516": "The project is paused.",
    "E517": "Our tables were made by a newer version.",
    "W501": "A source declares no columns, so its SQL was not tried.",
    # E6xx: usage
    "E601": "The arguments do not fit together.",
    "E602": "The range of dates is empty.",
    "E603": "A metric of a running experiment would change its meaning.",
    "E604": "The state to compare with cannot be read.",
    # E7xx: delivery
    "E701": "A message could not be delivered.",
    "E702": "An environment variable is not set.",
    # E8xx: schedules
    "E801": "The id of a DAG is too long, or two projects have it.",
    "E802": "A DAG cannot run at the time that is asked for.",
    "E803": "The manifest of DAGs is missing, damaged, or older than the definitions.",
    "E804": "A run has no day, or its partition key is none.",
    "E805": "The Airflow Connection cannot be used as a warehouse.",
    "E806": "The local Airflow cannot run.",
    # W6xx: statistics
    "W601": "Too little data for an answer.",
}
