"""Accessibility of the pages in a real browser, by axe-core (Deque, MPL-2.0), in light and in dark."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from assay.report.views import (
    BlockView,
    Figure,
    FilterView,
    HeatmapRow,
    HeatmapView,
    LineView,
    SiteView,
    SliceView,
)
from assay.report.website import render

BROWSER = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=60000")
DARK = "--blink-settings=preferredColorScheme=0"
PAGES = (
    *("index.html", "tabs/feed.html", "metrics/index.html", "metrics/ctr.html", "experiments/index.html"),
    *("experiments/similar_users.html", "experiments/ranking.html", "alerts/index.html", "alerts/feed_15m.html"),
    *("forecasts/index.html", "data/index.html"),
)
FAINT = '<html lang="en"><title>f</title><body style="background:#fff;color:#ddd"><main><h1>Faint</h1></main></body>'
# All pages are frames of one: each tells what axe found in it, and the last one to do so shows everything.
FRAMES = """<!doctype html><pre></pre><script>const told = {};
addEventListener("message", ({ data }) => { told[data.page] = data.found;
  if (Object.keys(told).length === frames.length) document.querySelector("pre").textContent = JSON.stringify(told); });
</script>"""
TELL = """<script>addEventListener("load", async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  const found = violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map((each) => each.html) }));
  parent.postMessage({ page: PAGE, found }, "*");
});</script></body>"""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")]


@pytest.fixture
def full(site: SiteView, figures_of: Callable[[str], list[Figure]]) -> SiteView:
    """The sample with filters, a heatmap and a block of every figure on its first tab."""
    tab = site.tabs[0]
    rows = (HeatmapRow(site.day, 700, (0.4, 0.2)), HeatmapRow(site.day, 2590, (0.04, None), True, "It is unlike."))
    line = LineView("Users", 1234.0, before=1000.0, good="up")
    blocks = tuple(
        BlockView(f"Block {at}", (line,), ("It moved.",), each, tab.tables[0], "Late.")
        for at, each in enumerate(figures_of("Odd"))
    )
    shown = replace(
        tab,
        filters=(FilterView("city", "City", (SliceView("Moscow", tab.cards),), 9),),
        heatmaps=(HeatmapView("ctr", "Retention", (1, 2), rows),),
        blocks=blocks,
    )
    return replace(site, tabs=(shown, *site.tabs[1:]))


def checked(site: SiteView, folder: Path, width: int, *flags: str) -> dict[str, list[dict[str, Any]]]:
    """What axe finds on each page; fails on anything that a page writes to the console."""
    for path, content in render(site).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(_telling(path, content), encoding="utf-8")
    (folder / "axe.js").write_bytes((files("axe_core_python") / "axe.min.js").read_bytes())
    (folder / "faint.html").write_text(_telling("faint.html", FAINT), encoding="utf-8")
    size = f"width:{width}px;height:2000px"
    frames = "".join(f'<iframe src="{each}" style="{size}"></iframe>' for each in (*PAGES, "faint.html"))
    (folder / "frames.html").write_text(FRAMES + frames, encoding="utf-8")
    page = (folder / "frames.html").as_uri()
    command = [str(BROWSER), *FLAGS, *flags, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert [each for each in done.stderr.splitlines() if "CONSOLE" in each] == []
    told = re.search("<pre>(.*?)</pre>", done.stdout, re.DOTALL)
    assert told is not None
    found: dict[str, list[dict[str, Any]]] = json.loads(unescape(told[1]))
    return found


def _telling(path: str, content: str) -> str:
    tell = TELL.replace("PAGE", json.dumps(path))
    return content.replace("</body>", f'<script src="{"../" * path.count("/")}axe.js"></script>{tell}')


@pytest.mark.slow
@pytest.mark.parametrize(("width", "flags"), [(1280, ()), (1280, (DARK,)), (390, ())], ids=["light", "dark", "phone"])
def test_nobody_is_kept_out(full: SiteView, tmp_path: Path, width: int, flags: tuple[str, ...]) -> None:
    found = checked(full, tmp_path, width, *flags)
    assert [each["id"] for each in found.pop("faint.html")] == ["color-contrast"]  # axe does see
    assert found.keys() == set(PAGES)
    grave = {path: [each for each in told if each["impact"] in ("serious", "critical")] for path, told in found.items()}
    assert {path: told for path, told in grave.items() if told} == {}
