"""Pictures of messages as a phone shows them: `python docs/pictures.py OUTBOX PICTURE.png [NAME…]`.

OUTBOX is the folder of a route's outbox; NAME chooses messages whose folder begins so. The texts are those that go to
Telegram, and Chromium draws them, so that a page of the documentation shows what people see.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from assay.delivery import Block, Message
from assay.delivery.markup import html
from assay.delivery.telegram_text import parts

_PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 14px 12px; width: 376px; background: #c9d8c5; font: 15px/1.35 "DejaVu Sans", sans-serif }}
.bubble {{ background: #fff; border-radius: 14px; margin: 0 0 10px; overflow: hidden; box-shadow: 0 1px 1px #0002 }}
.bubble img {{ width: 100%; display: block }}
.bubble p {{ margin: 8px 12px; white-space: pre-wrap; overflow-wrap: anywhere }}
.reply {{ border-left: 3px solid #4a9; padding-left: 8px; margin: 8px 12px 0; color: #476; font-size: 13px }}
time {{ display: block; text-align: right; color: #789; font-size: 12px; margin: 0 12px 8px }}
</style>{bubbles}"""


def main(outbox: Path, picture: Path, *names: str) -> None:
    """Draw the messages of an outbox in their order."""
    found = sorted(_messages(outbox, names), key=lambda each: each.created)
    bubbles = "".join(_bubble(each, found[0]) for each in found)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or not found:
        sys.exit("There is no Chromium, or no message.")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(_PAGE.format(bubbles=bubbles), encoding="utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1.5"]
        height = 360 * len(found)
        shot = [chromium, *flags, f"--window-size=400,{height}", f"--screenshot={picture.resolve()}", page.as_uri()]
        subprocess.run(shot, check=True, capture_output=True)  # noqa: S603 - our own arguments


def _messages(outbox: Path, names: tuple[str, ...]) -> Iterator[Message]:
    for file in outbox.glob("*/message.json"):
        if not names or file.parent.name.startswith(names):
            yield _message(json.loads(file.read_text("utf-8")), file.parent)


def _message(stored: dict[str, object], folder: Path) -> Message:
    blocks = [
        Block(each["title"], each["text"], folder.joinpath(each["image"]).read_bytes() if each["image"] else None)
        for each in stored.pop("blocks")  # type: ignore[attr-defined]
    ]
    created = datetime.fromisoformat(str(stored.pop("created")))
    return Message(**stored, created=created, blocks=tuple(blocks))  # type: ignore[arg-type]


def _bubble(message: Message, first: Message) -> str:
    picture = next((block.image for block in message.blocks if block.image), None)
    image = f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}">' if picture else ""
    texts = "".join(f"<p>{html(each.runs)}</p>" for each in parts(message, picture, ()))
    reply = "" if message is first else f'<div class="reply">{first.title}</div>'
    return f'<div class="bubble">{image}{reply}{texts}<time>{message.created:%H:%M} UTC</time></div>'


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
