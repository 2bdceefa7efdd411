"""One channel, one file; dropping a file here registers it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from assay.delivery.channels.registry import Channel, Hints, channel_limits, channel_names, open_channel

__all__ = ["Channel", "Hints", "channel_limits", "channel_names", "open_channel"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")  # a channel registers itself
