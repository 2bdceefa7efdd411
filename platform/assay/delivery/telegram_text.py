"""What a message looks like in Telegram: its parts, before anything is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from assay.delivery.markup import Run, Runs, plain, split
from assay.delivery.message import Message

CAPTION, TEXT = 1024, 4096  # https://core.telegram.org/bots/api#sendphoto and #sendmessage
ALBUM = 10  # pictures: https://core.telegram.org/bots/api#sendmediagroup
_MOST = 6  # parts of one message; a longer one is a list that nobody reads to its end
_MORE: Runs = (Run("More charts"),)
_SIGNS = {"critical": "🔴 ", "warning": "🟡 ", "info": ""}


@dataclass(frozen=True, slots=True)
class Part:
    """One call: a text, or up to ten pictures with the text as the caption of the first."""

    runs: Runs
    pictures: tuple[bytes, ...] = ()


def parts(
    message: Message, pictures: Sequence[bytes], mention: Collection[str], first: int = ALBUM
) -> tuple[Part, ...]:
    """The first pictures with as much text as a caption holds, the rest of the text, then further albums.

    `first`: how many pictures the first call may hold. A text alone is cut at a message's length.
    """
    runs = _runs(message, mention)
    texts = list(islice(split(runs, CAPTION if pictures else TEXT, TEXT), _MOST + 1))
    if len(texts) > _MOST:
        left = len(plain(runs)) - sum(len(plain(each)) for each in texts[:_MOST])
        texts = [*texts[:_MOST], (Run(f"… and {left:,} more characters, left out."),)]
    top, *others = texts or [(Run(message.key),)]
    albums = (Part(_MORE, tuple(pictures[at : at + ALBUM])) for at in range(first, len(pictures), ALBUM))
    return (Part(top, tuple(pictures[:first])), *(Part(each) for each in others), *albums)


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
