"""The demo product: SQL that fills ClickHouse with a feed and a messenger whose stories are known in advance."""

from __future__ import annotations

from assay.demo.generate import statements

__all__ = ["statements"]
