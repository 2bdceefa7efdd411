from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from assay.report.views import SiteView
from assay.report.website import render

VOID = {"meta", "link", "input", "br"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
STYLES = {"number", "percent", "seconds", "minutes"}
FIXED = {
    "format",
    "good",
    "status",
    "state",
    "since",
    "ended",
    "verdict",
    "path",
    "timezone",
    "from",
    "to",
    "planned_end",
    "day",
}


class Page(HTMLParser):
    """What a browser would build: tags in order, attributes, texts; a tag closed out of order fails the test."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"

    def links(self) -> Iterator[str]:
        for _, attributes in self.tags:
            yield from (value for name, value in attributes.items() if name in {"href", "src"} and value)


def pages(files: Mapping[str, str]) -> dict[str, Page]:
    return {path: Page(content) for path, content in files.items() if path.endswith(".html")}


def poison(value: Any, count: Iterator[int]) -> Any:
    """The same view with markup in every free text, at every depth."""
    if isinstance(value, str):
        return value if value in STYLES else f"{EVIL}{next(count)}"
    if isinstance(value, tuple | list):
        return type(value)(poison(each, count) for each in value)
    if isinstance(value, dict):
        return {key: each if key in FIXED else poison(each, count) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in fields(value) if each.name not in FIXED]
        return replace(value, **{name: poison(getattr(value, name), count) for name in names})
    return value


def leads(path: str, link: str, files: Mapping[str, str]) -> bool:
    """Whether there is a file behind a link, with the place that it names."""
    file, _, place = link.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
    return target in files and (not place or f'id="{place}"' in files[target])


def test_every_definition_has_its_page(site: SiteView) -> None:
    files = render(site)
    assert {"index.html", "tabs/feed.html", "metrics/index.html", "assets/style.css", "assets/site.js"} <= set(files)
    assert {f"metrics/{each.name}.html" for each in site.metrics} <= set(files)
    assert {"experiments/index.html", "experiments/similar_users.html", "experiments/ranking.html"} <= set(files)
    assert {"alerts/index.html", "alerts/feed_15m.html", "alerts/messenger_15m.html"} <= set(files)


def test_pages_are_balanced_and_all_links_resolve(site: SiteView) -> None:
    files = render(site)
    for path, page in pages(files).items():
        for link in page.links():
            assert leads(path, link, files), (path, link)


def test_nothing_is_requested_from_a_network(site: SiteView) -> None:
    files = render(site)
    assert not [link for page in pages(files).values() for link in page.links() if ":" in link or link.startswith("//")]
    assert not re.search(r"url\(|@import", files["assets/style.css"])
    assert not re.search(r"fetch|XMLHttpRequest|import\(|https?:", files["assets/site.js"])


def test_markup_in_any_text_stays_text(site: SiteView) -> None:
    poisoned = poison(site, itertools.count())
    for page in pages(render(poisoned)).values():
        scripts = [attributes.get("src") for tag, attributes in page.tags if tag == "script"]
        assert all(script and EVIL not in script for script in scripts)
        assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
        assert not [tag for tag, _ in page.tags if tag == "img"]


def test_poisoned_links_still_resolve(site: SiteView) -> None:
    files = render(poison(site, itertools.count()))
    for path, page in pages(files).items():
        assert all(leads(path, each, files) for each in page.links())


def test_a_card_shows_value_change_and_direction(site: SiteView) -> None:
    index = render(site)["index.html"]
    text = " ".join(Page(index).text.split())
    assert "Total users 16.6K ▲ +5.0 % from 15.8K" in text
    assert "View to like 30.8 min ▼ −6.9 % from 33.1 min" in text
    assert "Freshness – no data for 2 Oct 2025" in text
    assert len(re.findall('class="delta good"', index)) == 3  # new users, like rate, and fewer minutes


def test_the_verdict_stands_before_the_effects(site: SiteView) -> None:
    files = render(site)
    shipped, blocked = (Page(files[f"experiments/{name}.html"]).text for name in ("similar_users", "ranking"))
    assert shipped.index("Ship it") < shipped.index("Can the numbers be trusted?") < shipped.index("+1.64 pp")
    assert "No verdict" in blocked
    assert "Withheld: do not act on these" in blocked
    assert "Withheld" not in shipped


def test_an_incident_names_its_cause_and_silence_is_not_zero(site: SiteView) -> None:
    text = " ".join(Page(render(site)["alerts/feed_15m.html"]).text.split())
    assert "298, expected 488 to 715" in text
    assert "38.9 % beyond the expected range · −51.2 %" in text
    assert "city = Moscow 71.0 % 410 120 −70.7 %" in text
    assert "no data, expected 488 to 715" in text


def test_a_metric_page_shows_its_definition_sql_and_readers(site: SiteView) -> None:
    page = Page(render(site)["metrics/ctr.html"])
    assert "countIf(action = 'like')" in page.text
    assert "numerator: likes" in page.text
    assert {"../index.html", "../experiments/similar_users.html", "../alerts/feed_15m.html"} <= set(page.links())


def test_a_metric_called_index_does_not_replace_the_catalogue(site: SiteView) -> None:
    files = render(replace(site, metrics=(replace(site.metrics[0], name="index"),)))
    assert "Search 1 metrics" in files["metrics/index.html"]
    assert "Compiled SQL" in files["metrics/index-.html"]


def test_an_empty_site_still_explains_itself() -> None:
    from datetime import date

    files = render(SiteView("Empty", date(2025, 10, 2), "UTC"))
    assert "No dashboard is defined yet" in files["index.html"]
    assert pages(files)


def test_the_same_view_gives_the_same_files(site: SiteView) -> None:
    assert render(site) == render(site)


@pytest.mark.parametrize("verdict", ["ship", "do_not_ship", "keep_running", "blocked", "new_word"])
def test_every_verdict_has_a_page(site: SiteView, verdict: str) -> None:
    first = site.experiments[0]
    changed = replace(site, experiments=(replace(first, readout={**first.readout, "verdict": verdict}),))
    assert pages(render(changed))["experiments/similar_users.html"]
