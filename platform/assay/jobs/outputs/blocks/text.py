"""`text`: words."""

from __future__ import annotations

from assay.config.block import TextBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks.setting import Setting
from assay.report.views import BlockView


def view(_context: Context, block: TextBlock, _setting: Setting) -> BlockView:
    """The words as they are."""
    return BlockView(block.title or "", words=(block.text.strip(),), kind="text")
