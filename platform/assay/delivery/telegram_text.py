"""What a message looks like in Telegram: its parts, before anything is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from assay.delivery.markup import Run, Runs, plain, split
from assay.delivery.message import Message

CAPTION, TEXT = 1024, 4096  # https://core.telegram.org/bots/api#sendphoto and #sendmessage
_MOST = 6  # parts of one message; a longer one is a list that nobody reads to its end
_SIGNS = {"critical": "🔴 ", "warning": "🟡 ", "info": ""}


@dataclass(frozen=True, slots=True)
class Part:
    """One call: a text, or a picture with the text as its caption."""

    runs: Runs
    picture: bytes | None = None


def parts(message: Message, picture: bytes | None, mention: Collection[str]) -> tuple[Part, ...]:
    """The picture with as much text as a caption holds, then the rest; a text alone is cut at a message's length."""
    texts = list(split(_runs(message, mention), CAPTION if picture else TEXT, TEXT))
    if len(texts) > _MOST:
        left = sum(len(plain(each)) for each in texts[_MOST:])
        texts = [*texts[:_MOST], (Run(f"… and {left:,} more characters, left out."),)]
    first, *others = texts
    return (Part(first, picture), *(Part(each) for each in others))


def _runs(message: Message, mention: Collection[str]) -> Runs:
    """Sign and title in bold, whom to call, the text, the blocks; criticals end with the episode's mark, once."""
    sign = "✅ " if message.kind == "resolve" else _SIGNS[message.severity]
    calls = "\n" + " ".join(mention) if mention else ""
    marked = message.severity == "critical" and message.mark not in message.text
    mark = f"\n\n{message.mark}" if marked else ""
    text = f"\n{message.text}" if message.text else ""
    return (Run(sign + message.title, bold=True), Run(calls + text), *_blocks(message), Run(mark))


def _blocks(message: Message) -> Iterator[Run]:
    """Blocks with something to say beside their picture, or beside others."""
    for block in message.blocks:
        if block.text or len(message.blocks) > 1:
            yield Run(f"\n\n{block.title}", bold=True)
            yield Run(f"\n{block.text}" if block.text else "")
