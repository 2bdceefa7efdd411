"""The report of an experiment: what a page, a Markdown document and a summary say, and what they never do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from assay import stats
from assay.report import charts, experiment, readout, sentences, sources
from assay.report.charts import CoursePoint, Interval
from assay.report.charts.steps import merged
from assay.report.sections import sections
from assay.report.templating import asset
from assay.report.views import ExperimentView
from assay.stats.sequential import RULES

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> | *bold* `code`"
DAY = date(2025, 8, 2)


class Page(HTMLParser):
    """Tags and visible text, without styles."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        self.text += "" if self._style else f" {' '.join(data.split())}"


def page(view: ExperimentView) -> Page:
    return Page(experiment.html(view, project="Demo", timezone="UTC"))


def changed(view: ExperimentView, **parts: Any) -> ExperimentView:
    return replace(view, readout={**view.readout, **parts})


def progress(view: ExperimentView, **parts: Any) -> ExperimentView:
    return changed(view, progress={**view.readout["progress"], **parts})


def effect(view: ExperimentView, **parts: Any) -> readout.Effect:
    """The first result with other numbers."""
    (found,) = readout.effects(changed(view, results=[{**view.readout["results"][0], **parts}]))
    return found


def test_a_page_stands_alone(shipped: ExperimentView) -> None:
    found = page(shipped)
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert not [each for _, each in found.tags if {"src", "href"} & set(each)]
    assert not re.search(r"url\(|@import", asset("style.css"))


def test_the_verdict_comes_first_and_the_statistics_last(shipped: ExperimentView) -> None:
    text = page(shipped).text
    order = [
        "Ship it", "Release treatment to everyone", "day 7 of 7", "9,951 units",
        "Can the numbers be trusted?", "+7.8 %", "Day by day: Like rate", "Units by their own value", "For whom",
        "Other methods", "In chances", "What these units can find", "How the numbers were made", "f0ce6bea32daac61",
        "SELECT",
    ]  # fmt: skip
    places = [text.index(each) for each in order]
    assert places == sorted(places)


def test_a_blocked_experiment_withholds_its_effects_and_still_shows_them(blocked: ExperimentView) -> None:
    found = page(blocked)
    assert "Withheld: do not act on these." in found.text
    assert "+7.8 %" in found.text
    assert {each.tone for each in readout.effects(blocked)} == {"flat"}
    withheld = [each for _, each in found.tags if "withheld" in (each.get("class") or "").split()]
    assert len(withheld) == 5  # effects, day by day, slices, methods, chances; not the distribution, which shows why


def test_all_text_is_escaped(shipped: ExperimentView) -> None:
    gate = {"name": EVIL, "status": "fail", "pvalue": None, "detail": EVIL}
    metrics = {name: replace(each, label=EVIL) for name, each in shipped.metrics.items()}
    view = replace(changed(shipped, gates=[gate], reasons=[EVIL]), label=EVIL, hypothesis=EVIL, owner=EVIL, sql=(EVIL,))
    found = page(replace(view, metrics=metrics))
    assert not {"script", "img"} & {tag for tag, _ in found.tags}
    document = experiment.markdown(view)
    assert not re.search(r"(?<!\\)<", document)
    rows = [line for line in document.splitlines() if line.startswith("| ✕")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [6]


def test_the_same_view_gives_the_same_page(shipped: ExperimentView) -> None:
    assert experiment.html(shipped, project="a", timezone="UTC") == experiment.html(
        shipped, project="a", timezone="UTC"
    )


def test_intervals_are_those_after_correction(shipped: ExperimentView) -> None:
    likes = readout.effects(shipped)[1]
    assert (likes.interval.low, likes.interval.high) == pytest.approx((0.071 - 1.2 * 0.018, 0.071 + 1.2 * 0.018))
    assert likes.bounds == "+4.9 % to +9.3 %"


def test_only_what_decides_makes_an_effect_sure(shipped: ExperimentView) -> None:
    assert effect(shipped).tone == "good"
    assert effect(shipped, pvalue_adjusted=0.054).tone == "flat"
    assert effect(shipped, adjusted_low=-0.001).tone == "flat"
    assert effect(shipped, pvalue_adjusted=None).tone == "good"


def test_a_control_of_zero_is_told_in_the_unit_of_the_metric(shipped: ExperimentView) -> None:
    nothing = dict.fromkeys(("relative", "relative_low", "relative_high", "adjusted_relative_low"))
    found = effect(shipped, **nothing, adjusted_relative_high=None, adjusted_low=0.01, adjusted_high=0.02)
    assert (found.relative, found.bounds) == ("–", "+1.00 pp to +2.00 pp")


def test_a_missing_effect_says_why(shipped: ExperimentView) -> None:
    assert "one unit" in page(shipped).text
    assert "one unit" in experiment.markdown(shipped)


def test_a_guardrail_shows_its_margin(shipped: ExperimentView) -> None:
    views = readout.effects(shipped)[2]
    assert (views.interval.label, views.interval.margin) == ("Views · margin −2.0 %", -0.02)


def test_without_a_rule_the_band_decides_nothing(shipped: ExperimentView) -> None:
    (course,) = sections(shipped).courses
    assert course.stopped is None
    assert "decides nothing" in page(shipped).text


def test_a_declared_rule_names_the_day_on_which_it_stopped(shipped: ExperimentView) -> None:
    declared = changed(shipped, courses=[{**shipped.readout["courses"][0], "rule": "obrien_fleming"}])
    (course,) = sections(declared).courses
    assert course.stopped == date(2025, 8, 5)  # the first of the days marked as stopped
    assert "obrien_fleming: the experiment may stop" in page(declared).text
    assert "which was 5 Aug 2025" in page(declared).text


def test_a_trend_is_told_only_where_it_is_clear(shipped: ExperimentView) -> None:
    course = shipped.readout["courses"][0]
    assert sentences.trend(course, "percent", 0.05) == "No clear trend over the days (p 0.200)."
    clear = {**course, "novelty": {**course["novelty"], "pvalue": 0.001}}
    assert "fades, from +2.00 pp on the first day to +1.00 pp on the last" in sentences.trend(clear, "percent", 0.05)
    none = {**course, "novelty": {**course["novelty"], "pvalue": None, "reason": "two days"}}
    assert sentences.trend(none, "percent", 0.05).endswith("cannot be told: two days.")


def test_an_interaction_names_the_odd_slice() -> None:
    found = {"dimension": "os", "pvalue_adjusted": 0.001, "odd": "iOS", "reason": None}
    assert sentences.interaction(found, 0.05) == "os: the effect differs, most of all for iOS (p 0.001)."
    assert "not tested, one slice" in sentences.interaction(
        {**found, "pvalue_adjusted": None, "reason": "one slice"}, 0
    )


def test_power_follows_from_the_standard_error(shipped: ExperimentView) -> None:
    # z(0.975) + z(0.9) = 1.95996 + 1.28155 = 3.24151 standard errors are found with 90 %; se = 0.2098 · 0.011 ÷ 1.96
    assert pytest.approx(0.38167, abs=1e-4) == 100 * 3.24151 * 0.2098 * 0.011 / 1.96
    (told,) = sentences.powers(shipped)
    assert "with 19,828 units a true change of 0.38 pp is found with a probability of 90.0 %" in told
    assert "The change worth finding, 1.00 pp, is found with 100.0 %." in told


def test_what_is_missing_is_told_in_days(shipped: ExperimentView) -> None:
    # Worth finding is 0.3 pp: (0.38167 ÷ 0.3)² = 1.6186 times the units, so 0.6186 · 7 = 4.33 days more
    waiting = replace(changed(shipped, verdict="keep_running"), mde=0.003)
    assert sentences.next_step(waiting).endswith("go on for about 5 more days, or decide without it.")
    assert "5 more days would reach the design" in sentences.powers(waiting)[0]
    running = progress(waiting, days=3)
    assert sentences.next_step(running) == "Wait for the planned end, 8 Aug 2025 (4 more days to go)."
    assert "no larger than" in sentences.next_step(replace(waiting, mde=None))


@pytest.mark.parametrize(
    ("verdict", "said"), [("do_not_ship", "Keep the control"), ("blocked", "Do not act on the effects")]
)
def test_every_verdict_says_what_to_do(shipped: ExperimentView, verdict: str, said: str) -> None:
    assert sentences.next_step(changed(shipped, verdict=verdict)).startswith(said)


def test_chances_are_bounded_and_losses_are_shares(shipped: ExperimentView) -> None:
    (told,) = sentences.beliefs(shipped)
    assert "treatment is better with a chance of over 99.9 %" in told
    assert "costs under 0.1 % of the control's level" in told
    none = {**shipped.readout["bayes"][0]["posterior"], "chance_to_win": None, "reason": "no variance"}
    silent = changed(shipped, bayes=[{**shipped.readout["bayes"][0], "posterior": none}])
    assert sentences.beliefs(silent) == ("Like rate: no chance can be told, because no variance.",)


def test_with_several_variants_rows_and_verdict_name_them(shipped: ExperimentView) -> None:
    first = shipped.readout["results"][0]
    both = changed(shipped, results=[first, {**first, "variant": "second"}])
    assert [each.interval.label for each in readout.effects(both)] == ["Like rate · treatment", "Like rate · second"]
    assert sections(both).headline == "Ship it: treatment"


def test_an_experiment_without_data_has_a_page(shipped: ExperimentView) -> None:
    empty = ("gates", "results", "interactions", "courses", "sensitivity", "bayes", "distributions")
    view = changed(
        shipped,
        **dict.fromkeys(empty, ()), units={}, settings={}, hashes={}, verdict="keep_running", variant=None,
        progress={**shipped.readout["progress"], "days": 0, "units": 0},
    )  # fmt: skip
    text = page(view).text
    assert "No effect has been estimated yet" in text
    assert "Wait for the planned end" in text
    assert experiment.summary(view)
    assert experiment.markdown(view)


def test_the_summary_is_short_and_whole(shipped: ExperimentView, blocked: ExperimentView) -> None:
    assert experiment.summary(shipped).splitlines() == [
        "✓ Similar users: Ship it",
        "2 Aug 2025 to 8 Aug 2025 · control 9,951, treatment 9,877",
        "Like rate, treatment: +7.8 % (+6.5 % to +9.1 %), p < 0.001",
        "Checks: 3 of 4 passed; warned: aa.",
        "Next: Release treatment to everyone.",
    ]
    lines = experiment.summary(blocked).splitlines()
    assert lines[0] == "! Ranking: No verdict"
    assert lines[2] == "Like rate, treatment: withheld, do not act on the effects."
    assert "failed: distribution (Hartigan's dip test.); warned: aa" in lines[3]


def test_a_summary_stays_short_whatever_it_tells(shipped: ExperimentView) -> None:
    gates = [{"name": f"gate_{at}", "status": "fail", "pvalue": None, "detail": "long " * 50} for at in range(9)]
    first = shipped.readout["results"][0]
    results = [{**first, "variant": f"variant_{at}"} for at in range(50)]
    units = {"control": 9951, "treatment": 9877}
    text = experiment.summary(replace(changed(shipped, gates=gates, results=results, units=units), label="long " * 99))
    assert len(text) < 1000
    assert len(text.splitlines()) == 5


def test_everything_that_can_be_used_has_a_source() -> None:
    from assay.jobs.experiments.gates import GATES

    assert set(sources.METHODS) == set(stats.METHODS)
    assert set(sources.CORRECTIONS) == set(stats.CORRECTIONS)
    assert set(sources.SEQUENTIAL) == set(RULES)
    assert set(sources.GATES) == set(readout.QUESTIONS) == set(GATES)


POINTS = (
    CoursePoint(DAY, 0.02, (0.01, 0.03), (-0.5, 0.5), 0.02, (0.0, 0.04)),
    CoursePoint(date(2025, 8, 3), None),
    CoursePoint(date(2025, 8, 4), 0.03, (0.02, 0.04), (0.0, 0.06), None),
)
DRAWINGS = {
    "course": charts.course(POINTS, title=EVIL, style="percent", end=date(2025, 8, 9), stopped=DAY),
    "narrow course": charts.course(POINTS, title=EVIL, width=330),
    "no course": charts.course((), title="empty"),
    "steps": charts.steps((0, 1, 2), {EVIL: (0.5, 0.5), "b": (0.0, 1.0)}, title=EVIL),
    "empty steps": charts.steps((0, 1), {"a": (0.0,)}, title="empty"),
    "forest": charts.forest(
        [Interval(EVIL, 0.1, -0.2, 0.4, margin=-0.1), Interval("no interval", 0.1, None, None)],
        title=EVIL, reference=Interval("all", 0.1, 0.0, 0.2), width=330,
    ),
}  # fmt: skip


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS.keys())
def test_a_drawing_is_well_formed_escaped_and_without_nan(drawing: str) -> None:
    root = ElementTree.fromstring(drawing)
    assert root.get("role") == "img"
    assert [child.tag.rpartition("}")[2] for child in root[:2]] == ["title", "desc"]
    assert "<script>" not in drawing
    assert not re.search(r"\bnan\b|\binf\b", drawing)


def test_one_wide_slice_hides_no_other() -> None:
    usual = [Interval(f"slice {at}", 0.02, -0.01, 0.05) for at in range(5)]
    drawing = charts.forest([*usual, Interval("of few", 1.0, -30.0, 32.0)], title="cut")
    marks = [float(each) for each in re.findall(r">([\d.]+) %<", drawing)]
    assert 0 < max(marks) < 100
    assert "−3,000 %" in drawing  # the numbers beside the row stay whole


def test_bins_are_put_together_and_empty_ends_left_out() -> None:
    edges = [at / 100 for at in range(101)]
    shares = [0.0] * 10 + [1 / 80] * 80 + [0.0] * 10
    kept, found = merged(edges, {"a": shares})
    assert (kept[0], kept[-1], len(kept)) == (0.10, 0.90, 41)
    assert found["a"] == pytest.approx([1 / 40] * 40)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_texts_have_contrast(theme: int) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text; 1.4.11: 3 to 1 for what a drawing is read by."""
    colours = dict(
        re.findall(r"--([\w-]+): (#[0-9a-f]{6});", re.findall(r":root \{(.*?)\n *\}", asset("style.css"), re.S)[theme])
    )
    texts = {"ink": ("page", "card"), "muted": ("page", "card", "flat-soft"), "accent": ("page", "card", "soft"),
             "good": ("card", "good-soft"), "bad": ("card", "bad-soft")}  # fmt: skip
    for name, papers in texts.items():
        for paper in papers:
            assert _contrast(colours[name], colours[paper]) >= 4.5, (name, paper)
    assert min(_contrast(colours[f"line-{at}"], colours["card"]) for at in (1, 2, 3, 4)) >= 3


def _contrast(one: str, other: str) -> float:
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
