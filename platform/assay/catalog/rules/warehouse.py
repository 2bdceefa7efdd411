"""Rules about what project.yaml says of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken
from assay.errors import Diagnostic, Location, did_you_mean


def shard_by(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Events are sharded by an entity that some source has: by another word nothing would stay on its shard."""
    warehouse = catalog.definitions.project.warehouse
    known = {name for source in catalog.definitions.sources.values() for name in source.spec.entities}
    if warehouse and warehouse.shard_by and known and warehouse.shard_by not in known:
        yield Diagnostic(
            "E205",
            f"No source has the entity '{warehouse.shard_by}' of 'shard_by'.{did_you_mean(warehouse.shard_by, known)}",
            "What is added up per entity stays on its shard only where tables are sharded by it.",
            f"Use one of: {', '.join(sorted(known))}.",
            Location("project.yaml"),
        )
