"""What the doctor says of topics, lag, dead letters, models, certificates and clocks."""

import pytest

from sightline.doctor import certificates, clock, lag, letters, models, topics
from sightline.doctor.examine import examine
from sightline.doctor.findings import Finding, Severity, one_line, worst
from sightline.doctor.snapshot import Certificate, Pod, Release, Scrape, Topic

JOINER = Pod("j-0", "stream-joiner", pipeline="p", node="a")
DAY_S = 86_400.0


def said(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.severity.word, each.subject, each.what) for each in findings]


def scrape(pod: Pod = JOINER, ahead_s: float | None = None, **samples: dict[str, float]) -> Scrape:
    """`scrape(lag={"pipeline=p,partition=0": 5})`: one metric a keyword, its labels in the key."""
    names = {
        "lag": "sightline_consumer_lag_records",
        "events": "sightline_events_total",
        "watermark": "sightline_watermark_lag_seconds",
        "letters": "sightline_dead_letters_total",
        "lost": "sightline_skipped_records_total",
        "inference": "sightline_inference_seconds_count",
        "fallback": "sightline_featurizer_fallback_total",
        "skew": "sightline_clock_skew_total",
    }
    read = {
        names[name]: [(dict(each.split("=") for each in key.split(",") if each), value) for key, value in found.items()]
        for name, found in samples.items()
    }
    return Scrape(pod, read, clock_ahead_s=ahead_s)


def looked_twice(before: Scrape, after: Scrape, **more: object) -> Release:
    return Release("default", "s", 1000 * DAY_S, (JOINER,), before=(before,), after=(after,), between_s=2.0, **more)  # type: ignore[arg-type]


WANTED = (Topic("events", 4), Topic("matches", 4), Topic("alerts", 4))


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"events": 4, "matches": 4, "alerts": 4, "other": 1}, []),
        ({"matches": 4, "alerts": 4}, [("broken", "events", "the topic does not exist")]),
        ({"events": 2, "matches": 4, "alerts": 4}, [("warning", "events", "has 2 partitions, the values want 4")]),
        ({"events": 8, "matches": 4, "alerts": 4}, [("note", "events", "has 8 partitions, the values say 4")]),
        (
            {"events": 4, "matches": 8, "alerts": 4},
            [
                ("note", "matches", "has 8 partitions, the values say 4"),
                ("broken", "matches, alerts", "partitions differ: matches 8, alerts 4"),
            ],
        ),
        (None, []),
    ],
)
def test_topics(there: dict[str, int] | None, expected: list[tuple[str, str, str]]) -> None:
    assert said(list(topics.check(Release("d", "s", 0, topics=WANTED, topics_there=there)))) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0, 150, []),
        (5000, 1000, [("note", "1,000 records behind, catching up in about 0 s")]),
        (1000, 3000, [("warning", "3,000 records behind and 1,000 more each second")]),
        (3000, 3000, [("warning", "3,000 records behind and not catching up")]),
    ],
)
def test_lag_is_judged_by_where_it_goes(before: float, after: float, expected: list[tuple[str, str]]) -> None:
    key = "pipeline=p,partition=0"
    found = said(list(lag.check(looked_twice(scrape(lag={key: before}), scrape(lag={key: after})))))
    assert found == [(severity, "stream-joiner p/0", what) for severity, what in expected]


def test_of_a_partition_that_changes_hands_the_smaller_lag_counts() -> None:
    scrapes = (scrape(lag={"pipeline=p,partition=0": 9000}), scrape(lag={"pipeline=p,partition=0": 0}))
    assert not list(lag.check(Release("d", "s", 0, before=scrapes, after=scrapes)))


def test_a_partition_that_nobody_reads() -> None:
    one = scrape(lag={"pipeline=p,partition=0": 0, "pipeline=p,partition=2": 0})
    (finding,) = lag.check(looked_twice(one, one, sources={"p": "clicks"}, topics_there={"clicks": 4}))
    assert (finding.subject, finding.what) == ("stream-joiner p", "nobody reads partition 1, 3 of clicks")
    silent = Scrape(JOINER, error="no answer")
    assert not list(
        lag.check(Release("d", "s", 0, after=(one, silent), sources={"p": "clicks"}, topics_there={"clicks": 4}))
    )


def test_old_events_count_only_while_they_flow() -> None:
    idle, flows = scrape(events={"": 5.0}, watermark={"pipeline=p": 600}), scrape(
        events={"": 9.0}, watermark={"pipeline=p": 600}
    )  # fmt: skip
    assert not list(lag.check(looked_twice(idle, idle)))
    (finding,) = lag.check(looked_twice(idle, flows))
    assert finding.what == "the newest event of p is 600 s old though events arrive"


def test_dead_letters_and_lost_records() -> None:
    key = "pipeline=p,reason="
    before = scrape(letters={f"{key}not_an_image": 3, f"{key}poison": 1, f"{key}late": 0})
    after = scrape(letters={f"{key}not_an_image": 5, f"{key}poison": 1, f"{key}late": 0}, lost={"": 7})
    found = list(letters.check(looked_twice(before, after)))
    assert said(found) == [
        ("warning", "p", "5 not_an_image since the pods started, 2 in the last 2 s"),
        ("warning", "p", "1 poison since the pods started"),
        ("warning", "j-0", "7 records expired before they were read: they are lost"),
    ]
    assert all(each.todo for each in found)


def featurizer(pool: str, *versions: str) -> Scrape:
    pod = Pod(f"f-{pool}", "featurizer", pool=pool, node=pool)
    return scrape(pod, inference={f"model=bond,version={each},engine=litert": 0 for each in versions})


@pytest.mark.parametrize(
    ("loaded", "expected"),
    [
        ([("cpu", "2"), ("gpu", "2")], ("note", "version in use: cpu: 2 (litert); gpu: 2 (litert)")),
        ([("cpu", "2"), ("cpu", "10")], ("warning", "versions differ: cpu: 10 (litert), 2 (litert)")),
        ([("cpu", "1"), ("gpu", "2")], ("warning", "versions differ: cpu: 1 (litert); gpu: 2 (litert)")),
    ],
)
def test_model_versions(loaded: list[tuple[str, str]], expected: tuple[str, str]) -> None:
    scrapes = tuple(featurizer(pool, version) for pool, version in loaded)
    (finding,) = models.check(Release("d", "s", 0, after=scrapes))
    assert (finding.severity.word, finding.what) == expected
    assert "10" not in finding.what or "rollout to 10" in finding.todo


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0, 0, []),
        (6, 6, [("note", "p", "6 images went to pool cpu, none do now")]),
        (6, 9, [("warning", "p", "images go to pool cpu, not to the first: 3 in the last 2 s")]),
    ],
)
def test_fallback(before: float, after: float, expected: list[tuple[str, str, str]]) -> None:
    key = "pipeline=p,pool=cpu"
    assert (
        said(list(models.check(looked_twice(scrape(fallback={key: before}), scrape(fallback={key: after})))))
        == expected
    )


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (30, []),
        (14.1, []),
        (13, [("warning", "tls", "CN=x expires in 13 days")]),
        (-2, [("broken", "tls", "CN=x expired 2 days ago")]),
    ],
)
def test_certificates(days: float, expected: list[tuple[str, str, str]]) -> None:
    release = Release("d", "s", 1000 * DAY_S, certificates=(Certificate("tls", "CN=x", (1000 + days) * DAY_S),))
    assert said(list(certificates.check(release))) == expected


def test_a_file_that_is_no_certificate_is_broken() -> None:
    broken = Certificate("tls/ca.crt", "", 0, error="no PEM")
    (finding,) = certificates.check(Release("d", "s", 0, certificates=(broken,)))
    assert said([finding]) == [("broken", "tls/ca.crt", "is no certificate: no PEM")]


def test_a_node_whose_clock_is_off() -> None:
    on = [Pod(f"x-{node}", "alerting", node=node) for node in ("a", "b", "c")]
    scrapes = tuple(scrape(pod, ahead) for pod, ahead in zip(on, (0.4, 30.0, -0.3), strict=True))
    (finding,) = clock.check(Release("d", "s", 0, after=scrapes))
    assert said([finding]) == [("warning", "node b", "its clock is 30 s ahead of the other nodes'")]
    ours_is_off = tuple(scrape(pod, 90.0) for pod in on)
    assert said(list(clock.check(Release("d", "s", 0, after=ours_is_off)))) == [
        ("note", "nodes", "the nodes' clocks are 90 s ahead of this machine's")
    ]


@pytest.mark.parametrize(("before", "severity"), [(5, "note"), (2, "warning")])
def test_senders_ahead_of_us(before: float, severity: str) -> None:
    (finding,) = clock.check(looked_twice(scrape(skew={"": before}), scrape(skew={"": 5})))
    assert finding.severity.word == severity and finding.what.startswith("5 records came from a clock ahead")


def test_the_worst_comes_first_and_what_was_not_seen_is_said() -> None:
    gone = Scrape(JOINER, error="no answer at port 8080")
    release = Release(
        "d", "s", 1000 * DAY_S,
        pods=(JOINER,), after=(gone, featurizer("cpu", "2")), unread={"topics": "you may not create pods/exec"},
        certificates=(Certificate("tls", "CN=x", 0.0),),
    )  # fmt: skip
    found = examine(release)
    assert [each.severity.word for each in found] == ["broken", "warning", "warning", "note"]
    assert {each.subject for each in found if each.check == "not checked"} == {"topics", "metrics of j-0"}
    assert worst(found) == Severity.BROKEN and worst([]) == Severity.NOTE


def test_what_the_cluster_says_becomes_one_line() -> None:
    assert one_line("a\n  b.\n") == "a b"
    assert len(one_line("x" * 1000)) == 300
