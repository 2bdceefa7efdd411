"""Steps of the outbox as lines of JSON. Pictures stay in files beside it, named by their content."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from assay.delivery.letters import Entry, Letter
from assay.delivery.message import Block, Message


class Pictures:
    """A folder of pictures; the same picture is kept once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, image: bytes) -> str:
        """On the disk before this returns. Raises OSError."""
        name = f"{sha256(image).hexdigest()}.png"
        path = self._folder / name
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}")
            with unfinished.open("wb") as file:
                file.write(image)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        return name

    def get(self, name: str) -> bytes | None:
        """None if it is gone: the message is more important than its picture."""
        with suppress(OSError):
            return (self._folder / name).read_bytes()
        return None

    def keep_only(self, images: Iterable[bytes]) -> None:
        """Forget the others."""
        wanted = {f"{sha256(image).hexdigest()}.png" for image in images}
        for path in self._folder.glob("*.png") if self._folder.exists() else ():
            if path.name not in wanted:
                path.unlink(missing_ok=True)


def to_line(entries: Sequence[Entry], pictures: Pictures) -> bytes:
    """Steps as one line: they are kept together or not at all. Their pictures are kept first. Raises OSError."""
    steps = [_from_entry(each, pictures) for each in entries]
    return json.dumps(steps[0] if len(steps) == 1 else steps).encode() + b"\n"


def _from_entry(entry: Entry, pictures: Pictures) -> dict[str, Any]:
    line: dict[str, Any] = {"keys": entry.keys, "state": entry.state, "at": entry.at.isoformat()}
    line |= {name: getattr(entry, name) for name in ("reference", "reason") if getattr(entry, name)}
    if entry.letter:
        line["letter"] = _from_letter(entry.letter, pictures)
    return line


def _from_letter(letter: Letter, pictures: Pictures) -> dict[str, Any]:
    content = {each.name: getattr(letter, each.name) for each in fields(Letter)}
    times = {"since": letter.since.isoformat(), "due": letter.due.isoformat()}
    return content | times | {"message": _from_message(letter.message, pictures)}


def _from_message(message: Message, pictures: Pictures) -> dict[str, Any]:
    blocks = [
        asdict(replace(each, image=None)) | {"image": pictures.keep(each.image) if each.image else None}
        for each in message.blocks
    ]
    content = {each.name: getattr(message, each.name) for each in fields(Message)}
    return content | {"blocks": blocks, "labels": dict(message.labels), "created": message.created.isoformat()}


def to_letter(stored: Mapping[str, Any], pictures: Pictures) -> Letter:
    """The inverse of what a line says of a letter. Raises KeyError, TypeError or ValueError for anything else."""
    times = {name: datetime.fromisoformat(stored[name]) for name in ("since", "due")}
    lists = {name: tuple(stored[name]) for name in ("parts", "fallbacks")}
    return Letter(**{**stored, **times, **lists, "message": _to_message(stored["message"], pictures)})


def _to_message(stored: Mapping[str, Any], pictures: Pictures) -> Message:
    blocks = tuple(
        Block(**{**each, "image": pictures.get(each["image"]) if each["image"] else None}) for each in stored["blocks"]
    )
    lists = {"blocks": blocks, "incidents": tuple(stored.get("incidents", ()))}
    return Message(**{**stored, **lists, "created": datetime.fromisoformat(stored["created"])})
