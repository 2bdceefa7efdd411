"""The filters of a tab and the blocks under it, as files and in a real browser opened from disk."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from assay.report.charts import figures
from assay.report.views import (
    BarsFigure,
    BlockView,
    Figure,
    FilterView,
    LineView,
    SiteView,
    SliceView,
    StackFigure,
)
from assay.report.website import render

BROWSER = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=4000")
EVIL = "Сочи <b>&</b> \"'"
CHOOSE = """<script>addEventListener("load", () => {
  const form = document.getElementById("filter");
  const pick = (list, value) => { list.value = value; list.dispatchEvent(new Event("change")); };
  pick(form.elements.dimension, "city");
  setTimeout(() => pick(form.elements.value, "7"), 500);
});</script></body>"""
RESET = CHOOSE.replace(
    "500);\n",
    """500);
  setTimeout(() => form.querySelector("button").click(), 1000);
  setTimeout(() => { document.title = `${document.activeElement.name} ${location.hash}`; }, 1500);
""",
)


@pytest.fixture
def filtered(site: SiteView) -> SiteView:
    """Three cities beside everyone: an ordinary one, one called like a number, and one that needs escaping."""
    tab = site.tabs[0]
    slices = tuple(
        SliceView(name, tuple(replace(card, value=value, before=None) for card in tab.cards[:1]))
        for name, value in (("Moscow", 4321.0), ("7", 77.0), (EVIL, None))
    )
    return replace(site, tabs=(replace(tab, filters=(FilterView("city", "City", slices, 9),)), *site.tabs[1:]))


def opened(site: SiteView, folder: Path, hash_: str = "", script: str = "</body>") -> str:
    """The landing page after its scripts ran; fails on any script error."""
    for path, content in render(site).items():
        (folder / "site" / path).parent.mkdir(parents=True, exist_ok=True)
        shown = content.replace("</body>", script) if path == "index.html" else content
        (folder / "site" / path).write_text(shown, encoding="utf-8")
    page = f"{(folder / 'site/index.html').as_uri()}{hash_}"
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "Uncaught" not in done.stderr
    return done.stdout


def numbers(document: str) -> list[str]:
    return re.findall('<p class="value">(.*?)</p>', document)


def test_each_dimension_has_a_script_of_its_own(filtered: SiteView) -> None:
    files = render(filtered)
    said = files["data/app-city.js"].removeprefix("assayFilter(").removesuffix(");\n")
    found = json.loads(said)
    assert (found["dimension"], found["left"]) == ("city", 9)
    assert [name for name, _ in found["cards"]] == ["Moscow", "7", EVIL]
    assert "4,321" in found["cards"][0][1]
    assert "no data for 2 Oct 2025" in found["cards"][2][1]
    assert 'id="filter"' in files["index.html"]
    assert 'id="filter"' not in files["tabs/feed.html"]


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(
    ("address", "shown", "said"),
    [
        ("#city=Moscow", ["4,321"], "The cards show city = Moscow"),
        ("#city", ["4,321"], "9 smaller values are left out"),
        ("#city=Atlantis", None, "No city is called Atlantis"),
        ("#planet=Mars", None, "One filter at a time"),
        ("#city=%E0%A4%A", None, "No city is called"),
    ],
)
def test_the_address_keeps_the_choice(
    filtered: SiteView, tmp_path: Path, address: str, shown: list[str] | None, said: str
) -> None:
    document = opened(filtered, tmp_path, address)
    assert numbers(document) == (shown or numbers(render(filtered)["index.html"]))
    assert said in document


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_a_value_is_chosen(filtered: SiteView, tmp_path: Path) -> None:
    document = opened(filtered, tmp_path, script=CHOOSE)
    assert numbers(document) == ["77"]
    assert "The cards show city = 7;" in document


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_the_button_goes_back_to_everyone(filtered: SiteView, tmp_path: Path) -> None:
    """And the focus to the list, as the button is gone."""
    document = opened(filtered, tmp_path, script=RESET)
    assert numbers(document) == numbers(render(filtered)["index.html"])
    assert "<title>dimension </title>" in document


@pytest.mark.parametrize("width", [330, 1180])
def test_every_figure_is_drawn(figures_of: Callable[[str], list[Figure]], width: int) -> None:
    for figure in figures_of(EVIL):
        for drawing in figures(figure, width):
            root = ElementTree.fromstring(drawing)
            assert root.get("role") == "img"
            assert "nan" not in drawing.replace(EVIL, "")


def test_a_missing_bar_is_a_dash(site: SiteView) -> None:
    (drawing,) = figures(BarsFigure("x", "number", (("gone", None, None),)), 1180)
    assert drawing.count("–") >= 2
    assert "<rect" not in drawing


def test_a_stack_reaches_as_far_as_its_parts(site: SiteView) -> None:
    """7 above and 2 below the axis are drawn 7 : 2."""
    (drawing,) = figures(StackFigure("x", (site.day,), (("a", (4.0,)), ("b", (3.0,)), ("c", (-2.0,)))), 1180)
    first, second, third = (
        float(each) for each in re.findall(r'<rect[^>]* height="([\d.]+)"', drawing)[3:]
    )  # after the key
    assert (first + second) / third == pytest.approx(3.5, abs=0.01)
    assert second / third == pytest.approx(1.5, abs=0.01)


def test_a_block_shows_its_words_numbers_figure_and_note(site: SiteView) -> None:
    figure = BarsFigure("Cities", "number", (("Moscow", 30.0, 20.0),))
    block = BlockView(
        EVIL, (LineView("Users", 1234.0, before=1000.0, good="up"),), ("It moved.",), figure, note="Late."
    )
    page = render(replace(site, tabs=(replace(site.tabs[0], blocks=(block,)),)))["index.html"]
    for each in ("It moved.", "Late.", "1,234", "+23.4 %", "Moscow: 30, before 20", "Сочи &lt;b&gt;"):
        assert each in page
    assert "<b>&</b>" not in page
