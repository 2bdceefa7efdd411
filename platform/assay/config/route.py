"""`routes`: where messages go, and when they wait."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from assay.config.base import Described, Duration, FieldError, Hours, Name, Spec


class Outbox(Spec):
    """Messages as files: text, HTML and pictures."""

    path: str = Field("target/outbox", description="A folder, from the project's root.")


class Stdout(Spec):
    """Messages as text on the standard output."""


class RouteSpec(Described):
    """Exactly one channel, with grouping and patience."""

    outbox: Outbox | None = None
    stdout: Stdout | None = None
    group_by: tuple[Name, ...] = Field((), description="Labels whose equal values share one message.")
    repeat: Duration | None = Field(None, description="Say it again after this long while it lasts.")
    quiet: Hours | None = Field(None, description="Only criticals pass in these hours.")

    def model_post_init(self, _context: Any) -> None:
        if len(self.channels) != 1:
            raise FieldError("a route needs exactly one channel: outbox or stdout", "stdout: {}")

    @property
    def channels(self) -> dict[str, Spec]:
        """The channels that are set, by name."""
        found = {"outbox": self.outbox, "stdout": self.stdout}
        return {name: spec for name, spec in found.items() if spec is not None}
