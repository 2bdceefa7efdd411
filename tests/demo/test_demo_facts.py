"""The published aggregates of the case study come back from the demo's rows, and so does every planted event.

At scale 0.1 a group of the A/B week has about 950 users; tolerances are the published bands, or four standard errors.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from assay.demo import events

pytestmark = pytest.mark.slow
SCALE = 0.1
DAY = "toDate(time, 'Europe/Moscow')"
LINEARISED_SD = 5.1  # of likes per user-week
VIEWS_PER_WEEK = 65


@pytest.fixture(scope="module")
def demo(engine):
    engine.build(scale=SCALE)
    engine.client.command(f"""
        CREATE TABLE visits ENGINE = Memory AS
        SELECT user_id, {DAY} AS day, countIf(action = 'view') AS views, countIf(action = 'like') AS likes,
            uniqExact(post_id) AS posts, any(source) AS source, any(gender) AS gender, any(age) AS age, any(os) AS os,
            any(country) AS country, any(city) AS city, any(exp_group) AS exp_group
        FROM feed_actions GROUP BY user_id, day""")
    engine.client.command("""
        CREATE TABLE cohorts ENGINE = Memory AS
        SELECT user_id, min(day) AS born, any(source) AS source, any(gender) AS gender FROM visits GROUP BY user_id""")
    engine.client.command(f"""
        CREATE TABLE talkers ENGINE = Memory AS
        SELECT DISTINCT {DAY} AS day, arrayJoin([user_id, receiver_id]) AS user_id FROM message_actions""")
    return engine


def by_day(demo, expression: str) -> dict[date, float]:
    return dict(demo.rows(f"SELECT day, {expression} FROM visits GROUP BY day"))


def span(event: events.Event) -> str:
    return f"day BETWEEN '{event.first}' AND '{event.last}'"


def retention(demo, lifetime: int, cohorts: str) -> float:
    return demo.row(f"""
        SELECT countIf(day = born + {lifetime}) / uniqExact(user_id) FROM visits INNER JOIN cohorts USING user_id
        WHERE born + {lifetime} != '{events.OUTAGE.first}' AND born != '{events.CAMPAIGN.first}' AND {cohorts}""")[0]


ORDINARY = "toDayOfWeek(born) NOT IN (5, 6) AND born BETWEEN '2025-07-07' AND '2025-09-10'"
WEEKEND = "toDayOfWeek(born) IN (5, 6) AND born BETWEEN '2025-07-07' AND '2025-09-10'"
USER_WEEKS = """
    SELECT exp_group, sum(views) AS v, sum(likes) AS l, count() AS active_days, sum(posts) AS p, l / v AS ctr
    FROM visits WHERE {} GROUP BY user_id, exp_group"""


# --- the ordinary life of the product ---


@pytest.mark.parametrize(
    ("day", "users"),
    [
        ("2025-07-06", 1100),
        ("2025-07-07", 2900),
        ("2025-07-08", 3600),
        ("2025-07-09", 4200),
        ("2025-07-13", 6500),
        ("2025-07-20", 9300),
        ("2025-07-27", 12_800),
        ("2025-08-03", 13_800),
        ("2025-08-10", 15_800),
        ("2025-08-17", 16_900),
        ("2025-08-31", 20_200),
        ("2025-09-08", 23_300),
        ("2025-10-06", 22_100),
    ],
)
def test_users_of_both_services(demo, day: str, users: int) -> None:
    feed, talking = demo.row(
        f"SELECT (SELECT count() FROM visits WHERE day = '{day}'), (SELECT count() FROM talkers WHERE day = '{day}')"
    )
    assert (feed + talking) / SCALE == pytest.approx(users, rel=0.20)


def test_actions_per_day(demo) -> None:
    actions = {day: count / SCALE for day, count in by_day(demo, "sum(views + likes)").items()}
    assert 280e3 < actions[date(2025, 7, 16)] < 420e3
    assert 450e3 < actions[date(2025, 8, 5)] < 720e3
    assert 600e3 < actions[date(2025, 9, 18)] < 1.03e6


def test_new_users_per_day_and_source(demo) -> None:
    rows = demo.rows("""
        WITH toDayOfWeek(born) IN (5, 6) AS weekend
        SELECT source, avgIf(size, NOT weekend), avgIf(size, weekend)
        FROM (SELECT source, born, count() AS size FROM cohorts WHERE born BETWEEN '2025-07-07' AND '2025-08-14'
              GROUP BY source, born) GROUP BY source""")
    for _, weekday, weekend in rows:
        assert 1000 <= weekday / SCALE <= 1400
        assert 400 <= weekend / SCALE <= 800


def test_weekly_users_have_the_published_size(demo) -> None:
    for first, last, users in (("07-19", "07-25", 32_700), ("07-26", "08-01", 42_000), ("08-02", "08-08", 49_800)):
        found = demo.row(f"SELECT uniqExact(user_id) FROM visits WHERE day BETWEEN '2025-{first}' AND '2025-{last}'")[0]
        assert found / SCALE == pytest.approx(users, rel=0.07)


def test_user_week_distribution(demo) -> None:
    weeks = f"FROM ({USER_WEEKS.format(span(events.AA_WEEK))})"
    users, overall, zeros = demo.row(f"SELECT count(), sum(l) / sum(v), countIf(l = 0) / count() {weeks}")
    views, views_sd, quartiles = demo.row(f"SELECT avg(v), stddevSamp(v), quantiles(0.25, 0.5, 0.75)(v) {weeks}")
    likes, likes_sd, posts = demo.row(f"SELECT avg(l), stddevSamp(l), avg(p) {weeks}")
    active, active_sd = demo.row(f"SELECT avg(active_days), stddevSamp(active_days) {weeks}")
    ctr, ctr_sd = demo.row(f"SELECT avg(ctr), stddevSamp(ctr) {weeks}")
    assert users / SCALE == pytest.approx(42_000, rel=0.07)
    assert views == pytest.approx(67, rel=0.06)
    assert views_sd == pytest.approx(45, rel=0.06)
    assert quartiles == pytest.approx([32, 57, 91], rel=0.08)
    assert likes == pytest.approx(14, rel=0.06)
    assert likes_sd == pytest.approx(9.9, rel=0.08)
    assert active == pytest.approx(1.93, rel=0.06)
    assert active_sd == pytest.approx(1.04, rel=0.12)
    assert posts == pytest.approx(52, rel=0.10)
    assert ctr == pytest.approx(0.217, abs=0.005)
    assert ctr_sd == pytest.approx(0.08, abs=0.004)
    assert 0.002 < zeros < 0.008
    assert overall == pytest.approx(0.211, abs=0.004)


def test_linearised_likes_spread(demo) -> None:
    spread = demo.row(f"""
        WITH (SELECT sum(l) / sum(v) FROM ({USER_WEEKS.format(span(events.AA_WEEK))})) AS ctr_all
        SELECT stddevSamp(l - ctr_all * v) FROM ({USER_WEEKS.format(span(events.AA_WEEK))})""")[0]
    assert spread == pytest.approx(5.0, rel=0.06)


def test_ctr_by_day(demo) -> None:
    ordinary = [ctr for day, ctr in by_day(demo, "sum(likes) / sum(views)").items() if day > date(2025, 7, 10)]
    assert min(ordinary) > 0.199
    assert max(ordinary) < 0.232
    inside = [ctr for ctr in ordinary if 0.205 <= ctr <= 0.225]
    assert len(inside) / len(ordinary) > 0.85


def test_views_and_posts_per_visit(demo) -> None:
    july = "day BETWEEN '2025-07-07' AND '2025-08-14'"
    views, posts, longest = demo.row(f"SELECT avg(views), avg(posts), max(views) FROM visits WHERE {july}")
    assert 33 < views < 38
    assert views / posts == pytest.approx(1.2, abs=0.04)
    assert 110 < longest < 190


def test_posts_per_visit_have_two_peaks(demo) -> None:
    count = dict(demo.rows("SELECT intDiv(posts, 5) * 5, count() FROM visits WHERE day < '2025-08-14' GROUP BY 1"))
    assert max(count, key=count.__getitem__) == 15
    assert count[15] > 1.2 * count[20]
    assert count[30] > 1.05 * count[20]


def test_live_posts(demo) -> None:
    for _, posts in demo.rows(f"SELECT {DAY} AS day, uniqExact(post_id) FROM feed_actions GROUP BY day"):
        assert 195 <= posts <= 230


def test_likes_follow_views_of_the_same_post_and_day(demo) -> None:
    orphans, gap = demo.row(f"""
        SELECT countIf(viewed = 0 OR liked < first_view), avg(liked - first_view) FROM (
            SELECT countIf(action = 'view') AS viewed, minIf(time, action = 'view') AS first_view,
                minIf(time, action = 'like') AS liked
            FROM feed_actions GROUP BY user_id, post_id, {DAY} HAVING countIf(action = 'like') > 0)""")
    assert orphans == 0
    assert 25 <= gap / 60 <= 45


def test_retention_of_ordinary_cohorts(demo) -> None:
    bands = {1: (0.33, 0.41), 3: (0.31, 0.38), 7: (0.24, 0.30), 14: (0.13, 0.19), 30: (0.08, 0.13)}
    for lifetime, (low, high) in bands.items():
        assert low < retention(demo, lifetime, ORDINARY) < high


def test_friday_and_saturday_cohorts_return_least(demo) -> None:
    bands = {1: (0.22, 0.29), 3: (0.19, 0.25), 7: (0.15, 0.21), 14: (0.09, 0.14), 30: (0.045, 0.08)}
    for lifetime, (low, high) in bands.items():
        assert low < retention(demo, lifetime, WEEKEND) < high


def test_women_return_more(demo) -> None:
    women, men = (retention(demo, 7, f"gender = {gender} AND born < '2025-10-10'") for gender in (1, 0))
    assert 1.1 < women / men < 1.35


def share(demo, column: str, expression: str) -> dict[object, float]:
    """Shares of the users of the A/B week."""
    rows = demo.rows(f"""
        SELECT value, count() / sum(count()) OVER () FROM
        (SELECT user_id, any({expression}) AS value FROM visits WHERE {span(events.H2)} GROUP BY user_id)
        GROUP BY value""")
    assert rows, column
    return dict(rows)


def test_demographics(demo) -> None:
    assert share(demo, "gender", "gender")[1] == pytest.approx(0.55, abs=0.03)
    assert share(demo, "os", "os")["Android"] == pytest.approx(0.65, abs=0.03)
    assert share(demo, "source", "source")["ads"] == pytest.approx(0.47, abs=0.04)
    ages = share(demo, "age", "multiIf(age < 25, 25, age <= 40, 40, age <= 55, 55, 99)")
    assert [ages[each] for each in (25, 40, 55, 99)] == pytest.approx([0.52, 0.36, 0.107, 0.013], abs=0.025)


def test_countries_and_cities(demo) -> None:
    countries = share(demo, "country", "country")
    assert len(countries) == 11
    assert countries["Russia"] == pytest.approx(0.877, abs=0.02)
    assert countries["Ukraine"] == pytest.approx(0.05, abs=0.015)
    cities = share(demo, "city", "city")
    assert cities["Moscow"] == pytest.approx(0.135, abs=0.02)
    assert cities["St Petersburg"] == pytest.approx(0.045, abs=0.01)
    assert cities["Yekaterinburg"] == pytest.approx(0.013, abs=0.006)
    assert cities["Novosibirsk"] == pytest.approx(0.012, abs=0.006)
    small = [value for city, value in cities.items() if str(city).startswith("City ")]
    assert len(small) > 500
    assert max(small) < 0.008


def test_a_city_lies_in_one_country(demo) -> None:
    assert demo.rows("SELECT city FROM visits GROUP BY city HAVING uniqExact(country) > 1") == []


def test_attributes_are_constant_per_user_in_both_tables(demo) -> None:
    attributes = "user_id, gender, age, os, source, country, city, exp_group"
    users, rows = demo.row(f"""
        SELECT uniqExact(user_id), count() FROM (
            SELECT {attributes} FROM feed_actions UNION DISTINCT SELECT {attributes} FROM message_actions)""")
    assert users == rows


def test_groups_are_equal(demo) -> None:
    sizes = [size for _, size in demo.rows("SELECT exp_group, uniqExact(user_id) FROM visits GROUP BY exp_group")]
    expected = sum(sizes) / 5
    assert len(sizes) == 5
    assert sum((size - expected) ** 2 / expected for size in sizes) < 18.5  # chi-squared, 4 degrees of freedom, 0.1 %


def test_ids_tell_the_source(demo) -> None:
    ads, organic, highest_ads = demo.row(
        """SELECT minIf(user_id, source = 'ads'), minIf(user_id, source = 'organic'), maxIf(user_id, source = 'ads')
        FROM cohorts"""
    )
    assert ads == 200
    assert organic == 109_000
    assert highest_ads < organic


def test_shape_of_the_day(demo) -> None:
    hourly = dict(
        demo.rows(f"""
        SELECT toHour(time, 'Europe/Moscow') AS hour, uniqExact(user_id, {DAY}) / 7 FROM feed_actions
        WHERE {DAY} BETWEEN '2025-08-17' AND '2025-08-23' GROUP BY hour""")
    )
    scaled = {hour: users / SCALE for hour, users in hourly.items()}
    assert all(600 < scaled[hour] < 900 for hour in (3, 4, 5))
    assert all(1800 < scaled[hour] < 2300 for hour in (11, 12, 13, 14, 15))
    assert all(2300 < scaled[hour] < 3100 for hour in (18, 19, 20, 21))


# --- the messenger ---


def messenger(demo) -> dict[date, tuple[int, int, int]]:
    rows = demo.rows(f"""
        SELECT {DAY} AS day, count(), uniqExact(user_id), uniqExact(receiver_id) FROM message_actions GROUP BY day""")
    return {day: (messages, senders, receivers) for day, messages, senders, receivers in rows}


def test_messages_are_almost_constant(demo) -> None:
    for day, (messages, _, _) in messenger(demo).items():
        if not events.SURGE.covers(day):
            assert messages / SCALE == pytest.approx(12_900, rel=0.0015)


def test_senders_spike_every_third_day(demo) -> None:
    senders = {day: count / SCALE for day, (_, count, _) in messenger(demo).items()}
    for spike in (date(2025, 8, 12), date(2025, 8, 18), date(2025, 9, 30), date(2025, 10, 3), date(2025, 10, 6)):
        calm = senders[spike + timedelta(days=1)]
        assert 1.35 < senders[spike] / calm < 1.5
    assert senders[date(2025, 8, 4)] == pytest.approx(800, rel=0.1)
    assert senders[date(2025, 10, 7)] == pytest.approx(2260, rel=0.02)


def test_senders_per_receiver(demo) -> None:
    late = [counts for day, counts in messenger(demo).items() if day >= date(2025, 8, 1)]
    assert all(1.45 < senders / receivers < 1.75 for _, senders, receivers in late)


def test_few_use_both_services_on_a_day(demo) -> None:
    rows = demo.rows("""
        SELECT talkers.day, uniqExact(user_id) FROM talkers INNER JOIN visits USING (day, user_id)
        WHERE day >= '2025-08-01' GROUP BY talkers.day""")
    users = by_day(demo, "count()")
    shares = [both / users[day] for day, both in rows]
    assert 0.01 < sum(shares) / len(shares) < 0.02


def test_messages_are_a_quarter_of_an_hour_apart(demo) -> None:
    gap = demo.row(f"""
        SELECT avg(arraySum(arrayPopFront(arrayDifference(times))) / (length(times) - 1)) FROM (
            SELECT arraySort(groupArray(toUnixTimestamp(time))) AS times FROM message_actions
            WHERE {DAY} >= '2025-10-01' GROUP BY user_id, {DAY} HAVING count() > 1)""")[0]
    assert 12 <= gap / 60 <= 18


def test_nobody_writes_to_himself_or_before_arriving(demo) -> None:
    assert demo.row("SELECT count() FROM message_actions WHERE user_id = receiver_id")[0] == 0
    early = demo.rows("""
        SELECT born FROM (SELECT user_id, min(day) AS talked FROM talkers GROUP BY user_id) AS talkers
        INNER JOIN cohorts USING user_id WHERE talked < born""")
    # Only an arrival that the outage kept from the feed may have its first message before its first view.
    assert all(born > events.OUTAGE.first for (born,) in early)


# --- the planted events ---


def effect(demo, test: int, control: int, when: str) -> float:
    rows = dict(demo.rows(f"SELECT exp_group, sum(likes) / sum(views) FROM visits WHERE {when} GROUP BY exp_group"))
    return rows[test] - rows[control]


def standard_error(users: int = 950) -> float:
    return LINEARISED_SD / VIEWS_PER_WEEK * (2 / users) ** 0.5


def test_aa_week_has_no_effect(demo) -> None:
    for test, control in ((2, 1), (3, 0)):
        assert abs(effect(demo, test, control, span(events.AA_WEEK))) < 4 * standard_error(800)


def test_h2_shifts_ctr_and_not_views(demo) -> None:
    assert effect(demo, 3, 0, span(events.H2)) == pytest.approx(events.H2.size, abs=4 * standard_error())
    views = dict(demo.rows(f"SELECT exp_group, avg(v) FROM ({USER_WEEKS.format(span(events.H2))}) GROUP BY exp_group"))
    assert views[3] / views[0] == pytest.approx(1, abs=0.1)


def test_h1_is_bimodal_until_it_is_repaired(demo) -> None:
    assert effect(demo, 2, 1, span(events.H1)) == pytest.approx(events.H1.size, abs=5 * standard_error())
    broken = f"day BETWEEN '{events.H1.first}' AND '{events.H1_BROKEN_UNTIL}'"
    shares = (f"countIf(ctr {where}) / count()" for where in ("< 0.14", "BETWEEN 0.18 AND 0.24", "> 0.27"))
    modes = f"SELECT {', '.join(shares)}"
    busy = f"FROM ({USER_WEEKS.format(broken)}) WHERE v >= 50 AND exp_group = "
    low, middle, high = demo.row(f"{modes} {busy} 2")
    assert low > 0.4
    assert high > 0.25
    assert middle < 0.15
    assert demo.row(f"{modes} {busy} 1")[1] > 0.30
    repaired = span(events.H1).replace(str(events.H1.first), str(events.H1.last))
    spread = f"SELECT stddevSamp(ctr) FROM ({USER_WEEKS.format(repaired)}) WHERE exp_group = "
    assert demo.row(f"{spread} 2")[0] == pytest.approx(demo.row(f"{spread} 1")[0], rel=0.15)


def test_campaign_brings_users_who_leave(demo) -> None:
    cohort = f"born = '{events.CAMPAIGN.first}' AND source = 'ads'"
    arrived = demo.row(f"SELECT count() FROM cohorts WHERE {cohort}")[0]
    assert arrived / SCALE == pytest.approx(events.CAMPAIGN.size, rel=0.01)
    never, first_day, ninth_day = demo.row(f"""
        SELECT countIf(returns = 0) / count(), countIf(first) / count(), countIf(ninth) / count() FROM (
            SELECT countIf(day BETWEEN born + 1 AND born + 14) AS returns, max(day = born + 1) AS first,
                max(day = born + 9) AS ninth
            FROM visits INNER JOIN cohorts USING user_id WHERE {cohort.replace("source", "cohorts.source")}
            GROUP BY user_id)""")
    assert never == pytest.approx(events.CAMPAIGN_NEVER_RETURN, abs=0.08)
    assert first_day == pytest.approx(0.04, abs=0.04)
    assert ninth_day == pytest.approx(0.09, abs=0.06)


def test_flash_mob_doubles_views_and_leaves_ctr(demo) -> None:
    views, ctr = by_day(demo, "avg(views)"), by_day(demo, "sum(likes) / sum(views)")
    for day in (events.FLASH_MOB.first + timedelta(days=each) for each in range(8)):
        assert 1.6 < views[day] / 35 < 2.25
        assert ctr[day] == pytest.approx(0.21, abs=0.01)
    mean = sum(views[events.FLASH_MOB.first + timedelta(days=each)] for each in range(8)) / 8
    assert mean / 35 == pytest.approx(events.FLASH_MOB.size, rel=0.05)


def test_outage_silences_the_feed_of_four_cities(demo) -> None:
    rows = demo.rows(f"""
        WITH toDate('{events.OUTAGE.first}') AS down
        SELECT city, countIf(day = down - 1) AS before, countIf(day = down) AS during
        FROM visits GROUP BY city HAVING before >= 12""")
    silent = {city for city, _, during in rows if during == 0}
    assert silent == set(events.OUTAGE_CITIES)
    talking = demo.row(f"""
        SELECT uniqExact(user_id) FROM message_actions WHERE {DAY} = '{events.OUTAGE.first}'
        AND city IN ('Moscow', 'St Petersburg', 'Yekaterinburg', 'Novosibirsk')""")[0]
    assert talking > 15
    users = by_day(demo, "count()")
    assert users[events.OUTAGE.first] / users[events.OUTAGE.first - timedelta(days=1)] < 0.85


def test_surge_of_messages(demo) -> None:
    counts = messenger(demo)
    surge, senders, _ = counts[events.SURGE.first]
    assert surge / SCALE / 12_900 == pytest.approx(events.SURGE.size, rel=0.01)
    calm = counts[date(2025, 9, 6)][1]
    assert all(counts[day][1] > 1.25 * calm for day in events.SURGE_SENDERS)
    assert senders > 1.7 * calm


def test_growth_stops(demo) -> None:
    arrivals = dict(demo.rows("SELECT born, count() FROM cohorts GROUP BY born"))
    august = sum(arrivals[date(2025, 8, 18) + timedelta(days=each)] for each in range(21)) / 21
    october = sum(arrivals[events.GROWTH_STOP.first + timedelta(days=each)] for each in range(42)) / 42
    assert october / august == pytest.approx(events.GROWTH_STOP.size, abs=0.07)
    users = by_day(demo, "count()")
    plateau = sum(users[date(2025, 9, 15) + timedelta(days=each)] for each in range(35)) / 35
    peak = sum(users[date(2025, 9, 1) + timedelta(days=each)] for each in range(7)) / 7
    assert 0.88 < plateau / peak < 1.02


def test_views_dip_in_early_october(demo) -> None:
    views, ctr = by_day(demo, "avg(views)"), by_day(demo, "sum(likes) / sum(views)")
    day = date(2025, 10, 2)
    assert views[day] == pytest.approx(27, abs=1.5)
    assert views[day] / views[day - timedelta(days=7)] - 1 == pytest.approx(events.VIEWS_DIP.size, abs=0.06)
    assert ctr[day] == pytest.approx(0.225, abs=0.006)


@pytest.mark.parametrize("event", events.SLOT_EVENTS, ids=lambda event: str(event.day))
def test_slot_events(demo, event: events.SlotEvent) -> None:
    midnight = f"toUnixTimestamp(toDateTime({DAY}, 'Europe/Moscow'))"
    slot = f"toUnixTimestamp(time) - {midnight} - {event.second} BETWEEN 0 AND 899"
    users = dict(
        demo.rows(f"""
        SELECT {DAY} AS day, uniqExact(user_id) FROM feed_actions WHERE day >= '2025-09-15' AND {slot} GROUP BY day""")
    )
    others = [count for day, count in users.items() if day != event.day]
    usual = sum(others) / len(others)
    assert 480 < usual / SCALE < 780
    assert users[event.day] / usual - 1 == pytest.approx(event.size, abs=0.16)
    if event.size > 0:
        assert users[event.day] > max(others)
    else:
        assert users[event.day] < min(others)
