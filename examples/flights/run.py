"""The flights example from raw data to site: the commands, what they print, and what was found, in plain words.

    python examples/flights/run.py        (or: make flights)

What an earlier run left in `target/` is removed first.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PLATFORM = str(Path(sys.executable).with_name("platform"))
BLIZZARD = ("2013-02-08", "2013-02-09")
STORM = "2013-03-08"
YEAR = ("--from", "2013-01-01", "--to", "2014-01-01")
# Alerts are checked in the morning, about the day before: a quiet one, the blizzard, the storm, a summer day.
MORNINGS = ("2013-02-08", "2013-02-09", "2013-02-10", "2013-03-09", "2013-07-04")


def main() -> None:
    begun = time.perf_counter()
    shutil.rmtree(HERE / "target", ignore_errors=True)
    show(sys.executable, "load.py", title="python load.py")
    platform("validate")
    platform("run")
    platform("query", "planes", "carriers", "routes", "flights", *YEAR, "--grain", "total")
    platform("query", "cancellation_rate", "departure_delay", "--from", "2013-02-07", "--to", "2013-02-10")
    for morning in MORNINGS:
        platform("alert", "check", "--at", f"{morning}T07:00")
    platform("report", "send", "daily", "--date", BLIZZARD[0], "--dry-run")
    platform("site", "build")
    print("\nWhat was found")
    for line in conclusions():
        print(f"  {line}")
    print(f"\nDone in {time.perf_counter() - begun:.0f} s. Open examples/flights/target/flights/site/index.html")


def conclusions() -> Iterator[str]:
    """Sentences over numbers that the commands give as JSON."""
    year = {row["metric"]: row["value"] for row in values("flights", "planes", "carriers", days=YEAR, grain="total")}
    yield f"{year['flights']:,} flights, {year['planes']:,} planes and {year['carriers']} carriers in 2013."
    for day in (*BLIZZARD, STORM):
        rate, delay = (row["value"] for row in values("cancellation_rate", "departure_delay", days=one(day)))
        yield f"{day}: {rate:.2%} of the flights were cancelled; the others left {delay:.1f} minutes late on average."
    for morning in MORNINGS:
        found = [each["message"] for each in ask("alert", "check", "--at", f"{morning}T07:00", "--dry-run")["firing"]]
        yield f"The alerts on the morning of {morning}: {'; '.join(found) or 'nothing stands out'}."


def one(day: str) -> tuple[str, ...]:
    """The options that name a single day."""
    return "--from", day, "--to", str(date.fromisoformat(day) + timedelta(days=1))


def values(*metrics: str, days: tuple[str, ...], grain: str = "day") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask("query", *metrics, *days, "--grain", grain)["rows"]
    return rows


def ask(*arguments: str) -> dict[str, Any]:
    """The JSON that a command prints."""
    command = [PLATFORM, *arguments, "--format", "json"]
    done = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE)  # noqa: S603 (our own command)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def platform(*arguments: str) -> None:
    show(PLATFORM, *arguments, title=f"platform {' '.join(arguments)}")


def show(*command: str, title: str) -> None:
    """Run a command in the project's folder, under a line that says which; stop with its exit code when it fails."""
    print(f"\n$ {title}", flush=True)
    code = subprocess.run(command, cwd=HERE, check=False).returncode  # noqa: S603 (our own commands)
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
