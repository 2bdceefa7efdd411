"""A message as plain text and as a page of HTML; pictures are named by the channel that keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from assay.delivery.message import Block, Message

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto }} p {{ white-space: pre-wrap }}
img {{ max-width: 100% }}</style>
</head>
<body>
<h1>{title}</h1>
<p>{text}</p>
{blocks}</body>
</html>
"""


def as_text(message: Message, pictures: Sequence[str | None]) -> str:
    """Title, text and blocks, a blank line between them; `pictures` holds a name or None for each block."""
    blocks = (_block_text(block, name) for block, name in zip(message.blocks, pictures, strict=True))
    return "\n\n".join(part for part in (message.title, message.text, *blocks) if part) + "\n"


def as_html(message: Message, pictures: Sequence[str | None]) -> str:
    """The same as a page; every value is escaped."""
    blocks = (_block_html(block, name) for block, name in zip(message.blocks, pictures, strict=True))
    return _PAGE.format(title=escape(message.title), text=escape(message.text), blocks="".join(blocks))


def _block_text(block: Block, picture: str | None) -> str:
    return "\n".join(part for part in (block.title, block.text, f"[{picture}]" if picture else "") if part)


def _block_html(block: Block, picture: str | None) -> str:
    title = f"<h2>{escape(block.title)}</h2>\n" if block.title else ""
    text = f"<p>{escape(block.text)}</p>\n" if block.text else ""
    image = f'<img src="{escape(picture)}" alt="{escape(block.title)}">\n' if picture else ""
    return title + text + image
