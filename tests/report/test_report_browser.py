"""The site in a real browser, opened from disk."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import pytest

from assay.report import experiment
from assay.report.views import ExperimentView, SiteView
from assay.report.website import render

_NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((path for path in map(shutil.which, _NAMES) if path), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"),
)
TYPE = """<script>addEventListener("load", () => {
  const field = document.getElementById("search");
  field.value = "LIKE rate";
  field.dispatchEvent(new Event("input"));
});</script></body>"""

# Drags over the middle quarter of the first chart, and tells its width in slots before and after.
DRAG = """<script>addEventListener("load", async () => {
  const [plot] = drawn, slots = () => (plot.scales.x.max - plot.scales.x.min) / 900, before = slots();
  const { left, top, width } = plot.over.getBoundingClientRect();
  const mouse = (type, share, target) => target.dispatchEvent(
    new MouseEvent(type, { clientX: left + share * width, clientY: top + 20, movementX: 1, bubbles: true }));
  mouse("mousemove", 0.4, plot.over);
  mouse("mousedown", 0.4, plot.over);
  mouse("mousemove", 0.65, plot.over);
  mouse("mouseup", 0.65, document);
  await null; // the chart draws itself in a microtask
  document.title = `${before} ${slots()}`;
});</script></body>"""

# A report in a frame of a phone's width tells how wide it is, how many drawings are seen, and what it asked for.
TELL = """<script>addEventListener("load", () => {
  const page = document.documentElement;
  const seen = [...document.querySelectorAll("svg.chart")].filter((each) => each.getBoundingClientRect().width > 0);
  const told = [innerWidth, page.scrollWidth, seen.length, performance.getEntriesByType("resource").length];
  parent.document.title = told.join(" ");
  parent.document.documentElement.dataset.ready = "yes";
});</script></body>"""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")]


@pytest.fixture
def folder(site: SiteView, tmp_path: Path) -> Path:
    for path, content in render(site).items():
        target = tmp_path / "site" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    return tmp_path / "site"


def opened(page: Path, profile: Path) -> str:
    """The document after its scripts ran; fails on any script error."""
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "Uncaught" not in done.stderr
    assert 'data-ready="yes"' in done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("index.html", "16.6K"),
        ("experiments/similar_users.html", "Ship it"),
        ("alerts/feed_15m.html", "488 to 715"),
    ],
)
def test_a_page_opens_from_disk_without_errors(folder: Path, tmp_path: Path, path: str, shown: str) -> None:
    assert shown in opened(folder / path, tmp_path / "profile")


def test_the_slots_of_an_alert_are_drawn_and_can_be_zoomed(folder: Path, tmp_path: Path) -> None:
    page = folder / "alerts/feed_15m.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", DRAG), encoding="utf-8")
    document = opened(page, tmp_path / "profile")
    assert document.count("<canvas") == 1
    assert "Highest expected" in document
    whole, part = map(float, document.partition("<title>")[2].partition("</title>")[0].split())
    assert whole == pytest.approx(4 * 96 - 1)
    assert part == pytest.approx(whole / 4, rel=0.05)


def test_the_catalogue_can_be_searched(folder: Path, tmp_path: Path) -> None:
    page = folder / "metrics/index.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", TYPE), encoding="utf-8")
    document = opened(page, tmp_path / "profile")
    rows = re.findall(r'<tr data-search="(\w+)[^>]*?( hidden="")?>', document)
    assert [name for name, hidden in rows if not hidden] == ["ctr"]
    assert len(rows) == 10


@pytest.mark.parametrize("width", [390, 1280])
def test_a_report_fits_its_paper_and_asks_for_nothing(blocked: ExperimentView, tmp_path: Path, width: int) -> None:
    report = experiment.html(blocked, project="Demo", timezone="UTC").replace("</body>", TELL)
    frame = tmp_path / "frame.html"
    style = f"width:{width}px;height:900px;border:0"
    frame.write_text(f'<title></title><iframe style="{style}" srcdoc="{escape(report)}"></iframe>', encoding="utf-8")
    title = re.search("<title>(.*?)</title>", opened(frame, tmp_path / "profile"))
    assert title is not None
    inner, wide, drawings, requests = map(int, title[1].split())
    assert (inner, requests) == (width, 0)
    assert wide <= width
    assert drawings == 5  # effects, days, distribution, slices, methods: each once, for a desk or for a phone
