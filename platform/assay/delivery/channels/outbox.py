"""Messages as folders: text, HTML, pictures and JSON. The default channel, and the one to look at in tests."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.delivery.channels.registry import NO_HINTS, Channel, Hints, channel
from assay.delivery.message import Message, Receipt
from assay.delivery.render import as_html, as_text
from assay.errors import DeliveryError


@channel("outbox")
class Outbox(Channel):
    """A folder per message under `path`. It appears whole or not at all, and the same key is written once."""

    idempotent = True

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def send(self, message: Message, hints: Hints = NO_HINTS) -> Receipt:  # noqa: ARG002 - the port
        folder = self._path / folder_name(message.key)
        try:
            written = not folder.exists() and _publish(folder, render(message))
        except OSError as cause:
            raise DeliveryError.of(
                "E701",
                f"The message '{message.key}' cannot be written to {folder}: {cause}.",
                why="The outbox keeps every message as a folder of files.",
                fix="Make the folder writable and free some space, or set another `path` in the route.",
            ) from cause
        receipt = Receipt("outbox", str(self._path), "sent", str(folder))
        return receipt if written else replace(receipt, status="skipped", detail="already there")


def folder_name(key: str) -> str:
    """A name that every file system takes; the hash keeps different keys apart, whatever was replaced."""
    readable = _safe(key)[:80]
    return f"{readable}-{sha256(key.encode()).hexdigest()[:8]}"


def render(message: Message) -> dict[str, bytes]:
    """The files of a message by name."""
    names = [_picture_name(at, block.image_name) if block.image else None for at, block in enumerate(message.blocks, 1)]
    pictures = {name: block.image for name, block in zip(names, message.blocks, strict=True) if name and block.image}
    return {
        "message.txt": as_text(message, names).encode(errors="replace"),
        "message.html": as_html(message, names).encode(errors="replace"),
        "message.json": _as_json(message, names).encode(errors="replace"),
        **pictures,
    }


def _as_json(message: Message, pictures: list[str | None]) -> str:
    blocks = [
        {"title": block.title, "text": block.text, "image": name}
        for block, name in zip(message.blocks, pictures, strict=True)
    ]
    document = {
        "key": message.key,
        "title": message.title,
        "text": message.text,
        "severity": message.severity,
        "kind": message.kind,
        "episode": message.episode,
        "created": message.created.isoformat(),
        "labels": dict(message.labels),
        "blocks": blocks,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _publish(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Write beside the target, then rename; False if another process was first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".unfinished-", dir=folder.parent) as temporary:
        ready = Path(temporary, "message")
        ready.mkdir()
        for name, content in files.items():
            _write(ready / name, content)
        try:
            ready.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            return False
    return True


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # the ledger will say "sent": the files must survive what it survives


def _picture_name(number: int, name: str) -> str:
    return f"{number:02d}-{_safe(name.removesuffix('.png'))[:60]}.png"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip(".-") or "message"
