"""What commands print on a terminal steers nothing there: values come from files, people and the warehouse."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

# Controls and marks of direction, but for line ends, tabs, the bold type of `demo`, and the return that begins a bar.
_STEERS = re.compile(
    r"(?!\x1b\[[01]m|\A\r)[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Harmless:
    """A stream on which what would steer the terminal is shown as a mark."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(_STEERS.sub("\N{REPLACEMENT CHARACTER}", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def harmless() -> Iterator[None]:
    """Inside, what is printed on a terminal is harmless; what goes into a file or a pipe stays as it is."""
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        if stream.isatty():
            setattr(sys, name, Harmless(stream))
    try:
        yield
    finally:
        for name, stream in streams.items():
            setattr(sys, name, stream)
