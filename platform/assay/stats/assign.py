"""Deterministic assignment: a unit's variant follows from a salted hash, alike in Python, in SQL and in any backend.

    bucket(salt, unit) = first 8 bytes of MD5("<salt>:<unit>"), big-endian, modulo 1,000,000

MD5, because every language and every warehouse has it and its output is uniform; nothing here is a secret. Big-endian,
because these are then the first 16 hexadecimal digits of the digest as people and other programs read them. A million
buckets make the finest share 0.0001 %; the bias of the modulo is below 1e-13.

Two hashes are asked, which are independent because their salts differ: where in the traffic a unit stands, and which
variant it gets. So two experiments in one layer (one slot hash, disjoint ranges) never share a unit, experiments in
different layers are independent, and a range that grows keeps everyone where they were.
Source: Tang, Agarwal, O'Brien, Meyer (2010), Overlapping experiment infrastructure: more, better, faster, KDD.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import md5
from itertools import accumulate
from math import inf
from typing import ClassVar
from uuid import UUID

from assay.errors import UsageError

BUCKETS = 1_000_000
Unit = str | int | UUID


@dataclass(frozen=True, slots=True)
class Split:
    """How units are divided: the salt of the variants, variant → weight in order, and the range of the traffic (0..1).

    Experiments of one `layer` share the hash that places units in the traffic; without a layer it is the split's own.
    Raises `UsageError` E601 unless two or more variants have positive weights and the range lies in 0..1.

    >>> Split("button", {"control": 1, "treatment": 1}).variant("user-7")
    'treatment'
    """

    salt: str
    weights: Mapping[str, float]
    traffic: tuple[float, float] = (0.0, 1.0)
    layer: str | None = None
    buckets: ClassVar[int] = BUCKETS

    def __post_init__(self) -> None:
        start, end = self.traffic
        sane = len(self.weights) > 1 and all(0 < weight < inf for weight in self.weights.values())
        if not (sane and 0 <= start < end <= 1 and len({0, *self.ends}) > len(self.weights)):
            raise UsageError.of(
                "E601",
                f"Weights {dict(self.weights)} and traffic {start:g} to {end:g} do not make a split.",
                why="Two or more variants need a positive weight, at least a millionth, and a range inside 0..1.",
                fix="Correct the weights or the traffic.",
            )

    @property
    def slot_salt(self) -> str:
        """The salt of the place in the traffic; with its '/', no salt of variants is like it."""
        return f"layer/{self.layer}" if self.layer else f"traffic/{self.salt}"

    @property
    def slots(self) -> tuple[int, int]:
        """The half-open range of buckets that is in the traffic."""
        start, end = self.traffic
        return round(start * BUCKETS), round(end * BUCKETS)

    @property
    def ends(self) -> tuple[int, ...]:
        """Per variant, the bucket after its last one."""
        total = sum(self.weights.values())
        return tuple(round(BUCKETS * end / total) for end in accumulate(self.weights.values()))

    def variant(self, unit: Unit | None) -> str:
        """The variant of a unit, '' outside the traffic and for no unit."""
        return assign(self, (unit,))[0]


def bucket(salt: str, unit: Unit) -> int:
    """The bucket, 0..999,999, of a unit: of its text, so that 7 and "7" are one unit and "07" is another.

    Text is hashed as UTF-8, byte for byte; a UUID as lower-case groups with hyphens. Undecodable bytes, as in
    `os.fsdecode`, stay what they were.

    >>> bucket("button", 7) == bucket("button", "7")
    True
    """
    text = f"{salt}:{unit}".encode(errors="surrogateescape")
    return int.from_bytes(md5(text, usedforsecurity=False).digest()[:8], "big") % BUCKETS


def assign(split: Split, units: Iterable[Unit | None]) -> list[str]:
    """The variant of each unit, '' outside the traffic and for no unit.

    >>> assign(Split("button", {"control": 1, "treatment": 1}, traffic=(0.0, 0.5)), ["a", "b", "f"])
    ['control', '', 'treatment']
    """
    names, ends, (low, high), slot_salt = tuple(split.weights), split.ends, split.slots, split.slot_salt
    everyone = (low, high) == (0, BUCKETS)

    def of(unit: Unit | None) -> str:
        if unit is None or not (everyone or low <= bucket(slot_salt, unit) < high):
            return ""
        return names[bisect_right(ends, bucket(split.salt, unit))]

    return [of(unit) for unit in units]
