"""The far end of a `Side`: a process that prepares a task, and runs it as often as it is asked to.

Needs nothing but Python, so that it runs in the environment of any peer.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# A task prepares itself, which is not measured, and returns what is.
Work = Callable[[], Any]
Task = Callable[..., Work]

_KEPT = 2  # prepared tasks: data of a million rows should not pile up


def serve(tasks: Mapping[str, Task]) -> None:
    """Answer one request of JSON a line until the input ends; whatever else is printed goes to the error stream."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        ready: dict[str, Work] = {}
        for line in sys.stdin:
            try:
                answer = _answer(tasks, ready, json.loads(line))
            except Exception:  # reported to who asked
                answer = {"error": traceback.format_exc()}
            print(json.dumps(answer), file=answers, flush=True)


def _answer(tasks: Mapping[str, Task], ready: dict[str, Work], request: dict[str, Any]) -> dict[str, Any]:
    name, arguments, times = request["task"], request["arguments"], request["times"]
    key = json.dumps([name, arguments], sort_keys=True)
    if key not in ready:
        if len(ready) == _KEPT:
            del ready[next(iter(ready))]
        ready[key] = tasks[name](**arguments)
    return _measured(ready[key], times)


def _measured(work: Work, times: int) -> dict[str, Any]:
    _forget_peak()
    cpu, wall = _used(), time.perf_counter()
    for _ in range(times):
        answer = work()
    cpu, wall = _used() - cpu, time.perf_counter() - wall
    return {"seconds": cpu / times, "wall": wall / times, "megabytes": _peak(), "answer": answer}


def _used() -> float:
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(each.ru_utime + each.ru_stime for each in usages)


def _forget_peak() -> None:
    """Linux can begin a new peak of memory; elsewhere the peak is that of the whole process."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5", "utf-8")


def _peak() -> float:
    """The most memory held at once, with the program itself, in megabytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text("utf-8"))
    return int(found[1]) / 1e3 if found else 0.0
