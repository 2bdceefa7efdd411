"""A command's output on a terminal steers nothing; in a pipe it stays as it is."""

from __future__ import annotations

import io
import sys

import pytest

from assay.cli.terminal import Harmless, harmless

EVIL = "a\x1b[2Jb\x9bc"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "told"), [(Terminal(), "a\ufffd[2Jb\ufffdc\n"), (io.StringIO(), f"{EVIL}\n")])
def test_only_a_terminal_needs_it(stream: io.StringIO, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    with harmless():
        sys.stdout.write(f"{EVIL}\n")
    assert stream.getvalue() == told
    assert sys.stdout is stream


@pytest.mark.parametrize("text", ["one\ntwo\tthree é 🔴\n", "\r[███···] 3/6 views", "\x1b[1mTitle\x1b[0m\n"])
def test_our_own_lines_bars_and_bold_titles_stay(text: str) -> None:
    written = io.StringIO(newline="")
    Harmless(written).write(text)
    assert written.getvalue() == text
