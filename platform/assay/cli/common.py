"""What commands share: the project option, dates, output formats, a progress bar, and the border where errors end."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from assay.errors import AssayError, Diagnostic

if TYPE_CHECKING:
    from assay.jobs.context import Context
    from assay.project import Project

F = TypeVar("F", bound=Callable[..., Any])


class Day(click.ParamType[date]):
    """A date such as 2025-08-24."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is not a date such as 2025-08-24", param, ctx)


project_option = click.option(
    "-p", "--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder (default: here)."
)
start_option = click.option("--from", "start", type=Day(), help="First day.")
end_option = click.option("--to", "end", type=Day(), help="The day after the last one.")


until_option = click.option("--until", type=Day(), help="As it stood on the morning of this day (default: today).")


def format_option(*formats: str) -> Callable[[F], F]:
    return click.option(
        "--format", "format", type=click.Choice(formats), default=formats[0], show_default=True, help="Output format."
    )


def command(function: F) -> F:
    """The border: our errors become text or JSON and an exit code; anything else is our bug and says so."""

    @functools.wraps(function)
    def bounded(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except AssayError as error:
            fail(error, options.get("format", "text"), options.get("project"))
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            os._exit(0)  # the reader has seen enough
        except Exception as error:  # the last border
            _bug(error)

    return bounded  # type: ignore[return-value]


def fail(error: AssayError, style: str, folder: Path | None = None) -> NoReturn:
    """Print an error in the format asked for and leave with its exit code."""
    if style == "json":
        first = error.diagnostics[0]
        print_json({"error": {"code": first.code, "message": first.message, "why": first.why, "fix": first.fix}})
    else:
        from assay.config import render

        source = render.from_files(folder) if folder else render.no_source
        click.echo(render.text(error.diagnostics, source).rstrip(), err=True)
    sys.exit(error.exit_code)


def _bug(error: Exception) -> NoReturn:
    if os.environ.get("ASSAY_DEBUG"):
        raise error
    click.echo(f"This is a bug in Assay: {type(error).__name__}: {error}", err=True)
    click.echo("Set ASSAY_DEBUG=1 and run it again for the details; please report them.", err=True)
    sys.exit(AssayError.exit_code)


def print_json(value: Any) -> None:
    """One JSON object; NaN is never printed: a number that is none is our bug."""
    click.echo(json.dumps({"schema": 1} | value, ensure_ascii=False, indent=2, allow_nan=False, default=str))


def load(folder: Path) -> Project:
    from assay.project import Project

    return Project.load(folder)


def now() -> datetime:
    """The clock: commands are one of the two places that may look at it."""
    return datetime.now(UTC)


@contextmanager
def session(folder: Path, moment: datetime | None = None, show: bool = True) -> Iterator[Context]:
    """A project's warehouse, with a progress bar on a terminal."""
    with load(folder).open(moment or now(), progress() if show else _silent) as context:
        yield context


def _silent(_done: int, _total: int, _what: str) -> None:
    """For machines."""


def progress() -> Callable[[int, int, str], None]:
    """A one-line bar on standard error; a line per call where nobody watches would only be noise."""
    if not sys.stderr.isatty():
        return _silent

    def show(done: int, total: int, what: str) -> None:
        filled = round(24 * done / max(total, 1))
        line = f"\r[{'█' * filled}{'·' * (24 - filled)}] {done}/{total} {what}"
        click.echo(f"{line:<78}"[:79], err=True, nl=done >= total)

    return show


def local_moment(text: str, zone: str) -> datetime:
    """`2025-08-24T12:00` in the project's zone, unless the text names another. Raises click.BadParameter."""
    from zoneinfo import ZoneInfo

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"'{text}' is not a moment such as 2025-08-24T12:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


__all__ = [
    "Day", "Diagnostic", "command", "end_option", "fail", "format_option", "load", "local_moment", "now", "print_json",
    "progress", "project_option", "session", "start_option", "until_option",
]  # fmt: skip
