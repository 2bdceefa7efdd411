"""Several pictures as one, because a message has one caption and an album counts as its number of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from math import ceil
from typing import Any

# https://core.telegram.org/bots/api#sendphoto: width + height up to 10,000, their ratio up to 20.
_SIDES = 10_000
_RATIO = 20
_ONE_COLUMN = 4  # more pictures than this stand in two columns


def collage(pictures: Sequence[bytes]) -> bytes | None:
    """One PNG that shows all of them, without those that cannot be read; None if nothing is left.

    One picture stays as it is while its size is allowed.
    """
    images = [image for each in pictures if (image := _opened(each))]
    if not images:
        return None
    if len(pictures) == 1 and _allowed(images[0].size):
        return pictures[0]
    return _png(_shrunk(_composed(images)))


def _opened(picture: bytes) -> Any:
    """None for what is no picture: the message matters more."""
    from PIL import Image  # only messages with pictures pay for this import

    try:
        return Image.open(BytesIO(picture)).convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return None


def _composed(images: list[Any]) -> Any:
    """In one or two columns, each as wide as the widest picture."""
    from PIL import Image

    columns = 1 if len(images) <= _ONE_COLUMN else 2
    width = max(each.width for each in images)
    rows = [images[at : at + columns] for at in range(0, len(images), columns)]
    heights = [max(each.height for each in row) for row in rows]
    sheet = Image.new("RGB", (width * columns, sum(heights)), "white")
    for index, row in enumerate(rows):
        for column, image in enumerate(row):
            sheet.paste(image, (column * width, sum(heights[:index])))
    return sheet


def _shrunk(sheet: Any) -> Any:
    """Within the limits: smaller if it is too large, on a wider ground if it is too narrow."""
    from PIL import Image

    if sum(sheet.size) > _SIDES:
        sheet.thumbnail((_SIDES * sheet.width // sum(sheet.size), _SIDES * sheet.height // sum(sheet.size)))
    ground = (max(sheet.width, ceil(sheet.height / _RATIO)), max(sheet.height, ceil(sheet.width / _RATIO)))
    if ground == sheet.size:
        return sheet
    whole = Image.new("RGB", ground, "white")
    whole.paste(sheet)
    return whole


def _allowed(size: tuple[int, int]) -> bool:
    return sum(size) <= _SIDES and max(size) <= _RATIO * min(size)


def _png(sheet: Any) -> bytes:
    found = BytesIO()
    sheet.save(found, "PNG")
    return found.getvalue()
