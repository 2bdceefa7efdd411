"""Pictures of a size that Telegram takes."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from math import ceil
from typing import Any

# https://core.telegram.org/bots/api#sendphoto: width + height up to 10,000, their ratio up to 20.
_SIDES = 10_000
_RATIO = 20


def sendable(pictures: Iterable[bytes]) -> list[bytes]:
    """Each as it is while its size is allowed, else changed; without those that cannot be read."""
    return [found for each in pictures if (found := _sendable(each))]


def _sendable(picture: bytes) -> bytes | None:
    """None for what is no picture: the message matters more."""
    from PIL import Image  # only messages with pictures pay for this import

    try:
        image = Image.open(BytesIO(picture)).convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return None
    return picture if _allowed(image.size) else _png(_within_limits(image))


def _allowed(size: tuple[int, int]) -> bool:
    return sum(size) <= _SIDES and max(size) <= _RATIO * min(size)


def _within_limits(image: Any) -> Any:
    """Smaller if it is too large, on a wider ground if it is too narrow."""
    from PIL import Image

    if sum(image.size) > _SIDES:
        image.thumbnail((_SIDES * image.width // sum(image.size), _SIDES * image.height // sum(image.size)))
    ground = (max(image.width, ceil(image.height / _RATIO)), max(image.height, ceil(image.width / _RATIO)))
    whole = Image.new("RGB", ground, "white")
    whole.paste(image)
    return whole


def _png(image: Any) -> bytes:
    found = BytesIO()
    image.save(found, "PNG")
    return found.getvalue()
