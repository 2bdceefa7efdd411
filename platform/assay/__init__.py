"""Assay: metrics, experiments and alerts as code for product events in ClickHouse.

The public names are resolved on first use, so that importing a light part never loads a heavy one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay import detect, stats
    from assay.errors import Diagnostic
    from assay.project import Project

__version__ = "0.1.0"
__all__ = ["Diagnostic", "Project", "detect", "stats"]

_HOMES = {"Project": "assay.project", "Diagnostic": "assay.errors"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in __all__:
        return import_module(f"assay.{name}")
    raise AttributeError(f"module 'assay' has no attribute {name!r}")
