"""Alerting as a process, with a real broker: matches in, alerts out, and everything that can be wrong with either."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from confluent_kafka import TopicPartition
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sightline import matches
from sightline.io import kafka
from sightline.proto import alerts_pb2, alerts_pb2_grpc
from tests.integration.alerting import (
    PARTITIONS,
    Alerting,
    Reader,
    Sender,
    Subscriber,
    Topics,
    match,
)
from tests.integration.harness import eventually
from tools.kafka import Broker

S = 1_000_000


class Here:
    """One test's topics, its clients, and the processes it starts."""

    def __init__(self, directory: Path, broker: Broker, unique: Callable[[str], str]) -> None:
        self.directory, self.bootstrap_servers = directory, broker.bootstrap_servers
        self.topics = Topics(unique("matches"), unique("alerts"), unique("dead"))
        self.topics.make(self.bootstrap_servers)
        self.sender = Sender(self.bootstrap_servers, self.topics.matches)
        self.alerts = Reader(self.bootstrap_servers, self.topics.alerts, PARTITIONS)
        self.dead = Reader(self.bootstrap_servers, self.topics.dead, 1)
        self._processes: list[Alerting] = []

    def alerting(self, *flags: str, cooldown: str = "0s") -> Alerting:
        process = Alerting(self.directory, self.topics, self.bootstrap_servers, *flags, cooldown=cooldown)
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in self._processes:
            process.kill()
        for client in (self.sender, self.alerts, self.dead):
            client.close()


@pytest.fixture
def here(tmp_path: Path, broker: Broker, unique: Callable[[str], str]) -> Iterator[Here]:
    here = Here(tmp_path, broker, unique)
    try:
        yield here
    finally:
        here.close()


def outcome(process: Alerting, name: str) -> float:
    return process.metric("sightline_alerts_total", rule="bond-spotted", outcome=name)


def decided(process: Alerting, **counts: int) -> None:
    eventually(lambda: all(outcome(process, name) == count for name, count in counts.items()), what=str(counts))


def test_a_match_becomes_an_alert_everywhere(here: Here) -> None:
    process = here.alerting().wait_ready()
    subscriber = Subscriber(process.grpc_port)
    eventually(lambda: process.metric("sightline_subscribers") == 1)
    sent = [match(number) for number in range(20)]
    here.sender.send(*sent)
    records = here.alerts.until(20)
    eventually(lambda: len(subscriber.alerts) == 20)

    by_event = {record.headers["ce_eventid"]: record for record in records}
    for each in sent:
        record = by_event[each.event_id]
        assert record.key == each.columns["camera"].encode()
        assert record.headers["ce_matchid"] == each.id
        body = json.loads(record.value)
        assert body["match"] == each.columns
        assert body["summary"] == "moped at Pier 7 (0.53)"
    assert {record.partition for record in records} == {0, 1}

    alert = subscriber.alerts[0]
    assert alert.id in here.alerts.ids()
    assert dict(alert.match.items())["score"] == pytest.approx(0.5321)
    whole_us = alert.alert_time.ToMicroseconds() - alert.event_time.ToMicroseconds()
    assert sum(alert.stage_us.values()) == whole_us
    assert process.metric("sightline_event_to_alert_seconds_count", pipeline="find-bond", rule="bond-spotted") == 20
    assert process.metric("sightline_stage_seconds_count", pipeline="find-bond", stage="publish") == 20
    eventually(lambda: process.metric("sightline_consumer_lag_records", pipeline="find-bond", partition="0") == 0)
    subscriber.close()


def test_the_partition_of_an_alert_is_its_matchs(here: Here) -> None:
    here.alerting().wait_ready()
    here.sender.send(*[match(number) for number in range(40)])
    placed = {record.headers["ce_eventid"]: record.partition for record in here.alerts.until(40)}
    source = Reader(here.bootstrap_servers, here.topics.matches, PARTITIONS)
    assert {r.headers["ce_eventid"]: r.partition for r in source.until(40)} == placed
    source.close()


def test_a_copy_of_a_match_does_not_alert_again_even_after_a_restart(here: Here) -> None:
    first = here.alerting().wait_ready()
    copies = [match(number) for number in range(5)]
    here.sender.send(*copies, *copies)
    decided(first, alert=5, duplicate=5)
    assert first.stop() == 0
    second = here.alerting().wait_ready()
    here.sender.send(*copies, match(5))
    decided(second, alert=1, duplicate=5)
    assert len(here.alerts.until(6)) == 6


def test_cooldown_by_event_time_and_through_a_restart(here: Here) -> None:
    """Late matches count by when their event was, not by when they come."""
    first = here.alerting(cooldown="30s").wait_ready()
    start_us = match(0).time_us - 3_600 * S

    def at(number: int, second: int, camera: str = "camera-1") -> matches.Match:
        return match(number, camera=camera, time_us=start_us + second * S)

    here.sender.send(at(0, 100), at(1, 129), at(2, 130), at(3, 71), at(4, 70), at(5, 129, "camera-2"))
    decided(first, alert=4, cooldown=2)
    first.kill()
    second = here.alerting(cooldown="30s").wait_ready()
    here.sender.send(at(6, 159), at(7, 160), at(8, 45))
    decided(second, alert=1)
    alerted = {record.headers["ce_eventid"] for record in here.alerts.until(5)}
    assert alerted == {"event-0", "event-2", "event-4", "event-5", "event-7"}


def test_an_event_older_than_the_memory_does_not_alert(here: Here) -> None:
    process = here.alerting("--dedupe-horizon-s", "60").wait_ready()
    here.sender.send(match(0, time_us=match(0).time_us - 61 * S), match(1))
    decided(process, alert=1, too_old=1)
    assert [record.headers["ce_eventid"] for record in here.alerts.until(1)] == ["event-1"]


def test_bad_matches_are_dead_lettered_and_the_rest_goes_on(here: Here, broker: Broker) -> None:
    process = here.alerting().wait_ready()
    value, headers = matches.encode(match(0))
    missing = [(name, raw) for name, raw in headers if name != "ce_eventid"]
    here.sender.raw(b"k1", b"{not json", headers)
    here.sender.raw(b"k2", value, missing)
    here.sender.raw(b"k3", None, headers)
    here.sender.raw(None, b"\xff\xfe", [])
    here.sender.send(match(1))
    here.alerts.until(1)
    eventually(lambda: len(here.dead.read()) == 4)

    letters = {record.key: record for record in here.dead.records}
    assert letters[b"k1"].value == b"{not json"
    assert letters[b"k1"].headers["sl_reason"] == "bad_match"
    assert letters[b"k1"].headers["ce_eventid"] == "event-0"
    assert letters[b"k1"].headers["sl_pipeline"] == "find-bond"
    assert letters[b"k2"].headers["sl_reason"] == "missing_header"
    assert letters[b"k2"].headers["sl_detail"] == "ce_eventid"
    cluster, topic_id, topic, _, _ = letters[b"k3"].headers["sl_origin"].split("/")
    client = kafka.admin(here.bootstrap_servers)
    assert (cluster, topic) == (kafka.cluster_id(client), here.topics.matches)
    assert topic_id == kafka.describe(client, [topic])[topic].topic_id
    reasons = ("bad_match", "missing_header")
    counted = {r: process.metric("sightline_dead_letters_total", pipeline="find-bond", reason=r) for r in reasons}
    assert counted == {"bad_match": 2, "missing_header": 2}
    # Dead letters are committed too: a restart does not repeat them.
    process.stop()
    again = here.alerting().wait_ready()
    here.sender.send(match(2))
    decided(again, alert=1)
    assert len(here.dead.read()) == 4


def test_an_alert_larger_than_its_topic_allows_is_a_dead_letter(here: Here) -> None:
    narrow = kafka.Topic(here.topics.alerts + "-narrow", PARTITIONS, {"max.message.bytes": "10000"})
    kafka.create_topics(kafka.admin(here.bootstrap_servers), [narrow])
    process = here.alerting("--alerts-topic", narrow.name).wait_ready()
    alerts = Reader(here.bootstrap_servers, narrow.name, PARTITIONS)
    large = match(0)
    large.columns["note"] = "x" * 10_000
    here.sender.send(large, match(1))
    assert [record.headers["ce_eventid"] for record in alerts.until(1)] == ["event-1"]
    alerts.close()
    letter = eventually(lambda: here.dead.read())[0]
    assert letter.headers["sl_detail"] == "its alert is larger than the alerts topic allows"
    assert process.metric("sightline_sessions_lost_total") == 0


def test_expired_matches_are_said_and_counted(here: Here) -> None:
    first = here.alerting().wait_ready()
    here.sender.send(*[match(number) for number in range(20)])
    decided(first, alert=20)
    assert first.stop() == 0
    here.sender.send(*[match(number) for number in range(20, 40)])
    here.sender.flush()
    client = kafka.admin(here.bootstrap_servers)
    ends = [TopicPartition(here.topics.matches, number, -1) for number in range(PARTITIONS)]
    for future in client.delete_records(ends).values():
        future.result()
    second = here.alerting().wait_ready()
    eventually(lambda: second.metric("sightline_skipped_records_total") == 20)
    here.sender.send(*[match(number) for number in range(40, 50)])
    decided(second, alert=10)
    assert second.logged("data loss")


def test_health_reflection_and_list(here: Here) -> None:
    process = here.alerting().wait_ready()
    here.sender.send(*[match(number) for number in range(3)])
    decided(process, alert=3)
    with grpc.insecure_channel(f"127.0.0.1:{process.grpc_port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)

        def serving() -> bool:
            answer = health.Check(health_pb2.HealthCheckRequest(service="sightline.v1.Alerts"))
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

        eventually(serving)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answer = next(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request])))
        assert "sightline.v1.Alerts" in {each.name for each in answer.list_services_response.service}
        stub = alerts_pb2_grpc.AlertsStub(channel)
        listed = eventually(lambda: found if len(found := stub.List(alerts_pb2.ListRequest()).alerts) == 3 else [])
        times = [alert.alert_time.ToMicroseconds() for alert in listed]
        assert times == sorted(times, reverse=True)
        assert len(stub.List(alerts_pb2.ListRequest(limit=2)).alerts) == 2
        assert not stub.List(alerts_pb2.ListRequest(rules=["other"])).alerts


def test_replay_is_there_after_a_restart(here: Here) -> None:
    first = here.alerting().wait_ready()
    here.sender.send(*[match(number) for number in range(5)])
    here.alerts.until(5)
    first.kill()
    second = here.alerting().wait_ready()
    subscriber = Subscriber(second.grpc_port, replay=3)
    eventually(lambda: len(subscriber.alerts) == 3)
    here.sender.send(match(5))
    eventually(lambda: len(subscriber.alerts) == 4)
    assert subscriber.alerts[3].event_id == "event-5"
    other = Subscriber(second.grpc_port, replay=3, rules=("other",))
    eventually(lambda: second.metric("sightline_subscribers") == 2)
    subscriber.close()
    other.close()
    assert not other.alerts


def test_a_subscriber_that_does_not_read_is_ended(here: Here) -> None:
    process = here.alerting("--subscriber-alerts-max", "10").wait_ready()
    channel = grpc.insecure_channel(f"127.0.0.1:{process.grpc_port}")
    stream = alerts_pb2_grpc.AlertsStub(channel).Subscribe(alerts_pb2.SubscribeRequest(), wait_for_ready=True)
    eventually(lambda: process.metric("sightline_subscribers") == 1)
    count = 0

    def ended() -> bool:
        nonlocal count
        for _ in range(20):
            each = match(count)
            each.columns["note"] = "x" * 20_000
            here.sender.send(each)
            count += 1
        here.sender.flush()
        return process.metric("sightline_subscribers") == 0

    eventually(ended, 60)
    with pytest.raises(grpc.RpcError) as caught:
        for _ in stream:
            pass
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    channel.close()
    decided(process, alert=count)


def test_more_subscribers_than_allowed(here: Here) -> None:
    process = here.alerting("--subscribers-max", "1").wait_ready()
    first = Subscriber(process.grpc_port)
    eventually(lambda: process.metric("sightline_subscribers") == 1)
    second = Subscriber(process.grpc_port)
    eventually(lambda: second.ended is grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert process.get("/events")[0] == 503
    first.close()
    second.close()
    eventually(lambda: process.metric("sightline_subscribers") == 0)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_drains_on_a_signal(here: Here, sig: signal.Signals) -> None:
    process = here.alerting().wait_ready()
    subscriber = Subscriber(process.grpc_port)
    eventually(lambda: process.metric("sightline_subscribers") == 1)
    here.sender.send(*[match(number) for number in range(200)])
    here.sender.flush()
    eventually(lambda: subscriber.alerts)
    process.send(sig)
    eventually(lambda: process.exit_code is not None)
    assert process.exit_code == 0
    eventually(lambda: subscriber.ended is grpc.StatusCode.UNAVAILABLE)
    assert [line["message"] for line in process.logs()][-1] == "stopped"
    subscriber.close()
    # What was decided is on the topic and committed: the next instance goes on with the rest.
    here.alerting().wait_ready()
    here.alerts.until(200)
    assert max(here.alerts.ids().values()) == 1


def test_two_instances_of_one_name(here: Here) -> None:
    """Kafka fences the older one: it ends, rather than fight for the partitions."""
    first = here.alerting("--instance", "alerting-0").wait_ready()
    second = here.alerting("--instance", "alerting-0").wait_ready()
    eventually(lambda: first.exit_code is not None)
    assert first.exit_code == 1
    assert second.exit_code is None
