"""Blocks of reports and pages: a definition and a day become a view, the same wherever it is shown.

One file per type, named like it, with `view(context, block, setting) -> BlockView`. `GATHER` is the table.
"""

from __future__ import annotations

from assay.jobs.outputs.blocks.gather import GATHER, gather
from assay.jobs.outputs.blocks.setting import Setting

__all__ = ["GATHER", "Setting", "gather"]
