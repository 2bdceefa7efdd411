"""`docs/reliability.md` tells the size of the corpus of attacks as it is."""

from __future__ import annotations

from tests.crash import page
from tests.security import corpus, fuzz


def test_the_page_tells_how_much_is_attacked() -> None:
    attacks, executions = sum(corpus.COUNTS.values()), sum(each.examples for each in fuzz.PROPERTIES.values())
    rows = [
        ("attacks that must be refused or do no harm", f"{attacks:,}", "`pytest tests/security/test_attacks.py`"),
        ("kinds of them", f"{len(corpus.COUNTS):,}", "the same"),
        (
            "executions of the fuzzer in each run of the suite",
            f"{executions:,}",
            "`pytest tests/security/test_fuzz.py`",
        ),
        ("properties that it tries", f"{len(fuzz.PROPERTIES):,}", "the same"),
    ]
    page.keep("attacks", page.table(("what", "number", "command"), rows))
