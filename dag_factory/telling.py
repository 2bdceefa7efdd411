"""A message about a task, by the route that project.yaml names under `airflow: route:`."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from assay.config.root import find_root
from assay.delivery import Message
from assay.engine.memory import MemoryEngine
from assay.errors import AssayError
from assay.jobs.alerts import sending
from assay.jobs.context import Context
from dag_factory import store
from dag_factory.runtime import open_project

_LONGEST = 1500  # characters of an error


def tell(key: str, title: str, text: str, dag_id: str, folder: Path | None = None) -> None:
    """Send once, by the route of the project in a folder, or of the one that has the DAG.

    A message that cannot be sent is logged, because there is nobody left to tell.
    """
    try:
        _send(key, title, text[:_LONGEST], dag_id, folder)
    except AssayError as error:
        logging.getLogger(__name__).error("The failure could not be told: %s", error)


def _send(key: str, title: str, text: str, dag_id: str, folder: Path | None) -> None:
    root = find_root(folder) if folder else store.project_of(dag_id)
    now = datetime.now(UTC)
    catalog = open_project(root, store.shard(root, store.current(root), dag_id).definitions).catalog
    route = catalog.definitions.project.airflow.route or ""
    labels = {"route": route, "dag": dag_id, "severity": "critical"}
    message = Message(key, title, text, severity="critical", created=now, labels=labels)
    sending.send(Context(catalog, MemoryEngine(), now, environ=dict(os.environ)), [message], now)
