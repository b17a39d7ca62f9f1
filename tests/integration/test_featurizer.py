"""The featurizer as a process, with the real network, asked by gRPC's own client."""

import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc
from tests import marked_featurizer
from tests.integration.featurizer import ESPRESSO, MISSILE, MODEL, Caller, calling, coffee, rocket, start, target
from tests.integration.harness import eventually
from tools.services import Service

MESSAGE_BYTES_MAX = 2 << 20
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture(scope="module")
def model_root(root: Path) -> Path:
    models = root / "build" / "models"
    assert (models / MODEL).is_dir(), "run `make models` first"
    return models


@contextmanager
def running(directory: Path, model_root: Path, *flags: str, module: str | None = None) -> Iterator[Service]:
    service = start(directory, model_root, *flags, module=module)
    try:
        yield service.wait_ready()
    finally:
        service.kill()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, model_root: Path) -> Iterator[Service]:
    """A featurizer that every test leaves running and idle."""
    directory = tmp_path_factory.mktemp("featurizer")
    socket = directory / "socket"
    with running(
        directory, model_root, f"--message-bytes-max={MESSAGE_BYTES_MAX}", f"--unix-socket={socket}"
    ) as service:
        yield service
        assert service.stop() == 0, service.log_tail()


@pytest.fixture
def caller(service: Service) -> Iterator[Caller]:
    with calling(target(service)) as channel:
        caller = Caller(channel)
        yield caller
        caller.done_sending()
        assert list(caller.call) == []


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def bomb() -> bytes:
    """A PNG of a few hundred bytes that claims 2.5 thousand million pixels."""
    header = (50_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_a_photograph_is_classified(service, transport):
    socket = f"unix:{service.log.parent / 'socket'}"
    with calling(target(service) if transport == "tcp" else socket) as channel:
        caller = Caller(channel)
        response = caller.ask(rocket(), coffee(), top_k=3)
        caller.done_sending()
        assert list(caller.call) == []
        assert caller.call.code() is grpc.StatusCode.OK
    assert (response.status, response.model_version, response.engine) == (pb.OK, "1", "litert")
    assert [result.status for result in response.results] == [pb.OK, pb.OK]
    assert [result.classes[0].label for result in response.results] == [MISSILE, ESPRESSO]
    for result in response.results:
        scores = [each.score for each in result.classes]
        assert len(scores) == 3
        assert 1 >= scores[0] >= scores[1] >= scores[2] >= 0
    assert response.timing.batch_rows == 2
    assert response.timing.decode_us > 0
    assert response.timing.inference_us > 0


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        pytest.param(b"not an image at all", pb.NOT_AN_IMAGE, id="text"),
        pytest.param(b"", pb.NOT_AN_IMAGE, id="empty"),
        pytest.param(rocket()[:5000], pb.TRUNCATED_IMAGE, id="truncated JPEG"),
        pytest.param(coffee("PNG")[:5000], pb.TRUNCATED_IMAGE, id="truncated PNG"),
        pytest.param(bomb(), pb.IMAGE_TOO_LARGE, id="decompression bomb"),
    ],
)
def test_a_bad_image_costs_the_others_nothing(caller, bad, status):
    response = caller.ask(coffee(), bad, rocket())
    assert response.status == pb.OK
    assert [result.status for result in response.results] == [pb.OK, status, pb.OK]
    assert [response.results[index].classes[0].label for index in (0, 2)] == [ESPRESSO, MISSILE]
    assert response.results[1].detail
    assert not response.results[1].classes


@pytest.mark.parametrize(
    ("model", "images", "status", "detail"),
    [
        ("efficientnet-lite", [b"x"], pb.MODEL_NOT_FOUND, f"did you mean '{MODEL}'? (loaded: {MODEL}@1)"),
        (f"{MODEL}@7", [b"x"], pb.MODEL_NOT_FOUND, f"(loaded: {MODEL}@1)"),
        (f"{MODEL}:stable", [b"x"], pb.MODEL_NOT_FOUND, f"(loaded: {MODEL}@1)"),
        ("../../etc", [b"x"], pb.MODEL_NOT_FOUND, "'../../etc'"),
        ("", [b"x"], pb.MODEL_NOT_FOUND, "''"),
        (MODEL, [], pb.INVALID_ARGUMENT, "no images"),
        (MODEL, [b"x"] * 2000, pb.INVALID_ARGUMENT, "queue_rows_max"),
    ],
)
def test_requests_that_can_not_be_served(caller, model, images, status, detail):
    response = caller.ask(*images, model=model)
    assert response.status == status
    assert detail in response.detail
    assert not response.results


def test_a_version_is_a_reference_and_top_k_has_the_classes_as_its_bound(caller):
    response = caller.ask(coffee(), model=f"{MODEL}@1", top_k=4_000_000_000)
    assert len(response.results[0].classes) == 1000
    assert sum(each.score for each in response.results[0].classes) == pytest.approx(1, abs=0.05)


def test_it_says_what_it_is(service):
    with calling(target(service)) as channel:
        models = featurizer_pb2_grpc.FeaturizerStub(channel).ListModels(pb.ListModelsRequest()).models
        assert [(each.name, list(each.versions), each.engine) for each in models] == [(MODEL, ["1"], "litert")]
        assert models[0].input_size > 0
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", "sightline.v1.Featurizer"):
            assert health.Check(health_pb2.HealthCheckRequest(service=name)).status == SERVING
        assert set(ProtoReflectionDescriptorDatabase(channel).get_services()) == {
            "sightline.v1.Featurizer",
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }
    assert service.get("/healthz") == (200, "ok\n")


def test_its_metrics(service, caller):
    caller.ask(coffee(), b"garbage", rocket())
    labels = {"model": MODEL}
    assert service.metric("sightline_inference_seconds_count", **labels, version="1", engine="litert") >= 1
    assert service.metric("sightline_batch_rows_sum", **labels) >= 3
    assert service.metric("sightline_queue_rows", **labels) == 0
    assert service.metric("sightline_queue_seconds_count", **labels) >= 1
    assert service.metric("sightline_decode_seconds_count") >= 1


def test_a_message_that_is_too_large_ends_its_own_stream_only(service, caller):
    with calling(target(service)) as channel:
        greedy = Caller(channel)
        greedy.send(bytes(MESSAGE_BYTES_MAX + 1))
        with pytest.raises(grpc.RpcError) as ended:
            next(greedy.call)
        greedy.done_sending()
    assert ended.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caller.ask(coffee()).status == pb.OK


def test_many_streams_at_once_each_get_their_own_answers(service):
    photographs = [(rocket(), MISSILE), (coffee(), ESPRESSO)]

    def use(number: int) -> bool:
        with calling(target(service)) as channel:
            caller = Caller(channel)
            wanted = {}
            for index in range(15):
                image, label = photographs[(number + index) % 2]
                wanted[caller.send(image, priority=index % 3)] = label
            caller.done_sending()
            return {each.request_id: each.results[0].classes[0].label for each in caller.call} == wanted

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(use, range(20))) == [True] * 20


def test_one_row_that_the_model_fails_on_is_the_only_one_without_scores(tmp_path, model_root):
    with (
        running(tmp_path, model_root, module="tests.marked_featurizer") as service,
        calling(target(service)) as channel,
    ):
        caller = Caller(channel)
        response = caller.ask(coffee(), marked_featurizer.image(marked_featurizer.FAILS), rocket())
        assert [result.status for result in response.results] == [pb.OK, pb.MODEL_ERROR, pb.OK]
        assert "a marked image" not in response.results[1].detail  # the inside of an error stays inside
        assert [response.results[index].classes[0].label for index in (0, 2)] == [ESPRESSO, MISSILE]

        caller.send(marked_featurizer.image(marked_featurizer.KILLS))
        with pytest.raises(grpc.RpcError) as ended:
            next(caller.call)
        caller.done_sending()
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        assert service.kill() == marked_featurizer.EXIT_CODE


def test_sigterm_under_load_loses_nothing(tmp_path, model_root):
    with running(tmp_path, model_root) as service, calling(target(service)) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == SERVING
        callers = [Caller(channel) for _ in range(4)]
        sent = [[caller.send(coffee(), rocket()) for _ in range(30)] for caller in callers]
        for caller in callers:
            assert next(caller.call).status == pb.OK

        with ThreadPoolExecutor(1) as stopping:
            stopped = stopping.submit(service.stop, 30)
            assert next(watch).status == NOT_SERVING
            for caller, ids in zip(callers, sent, strict=True):
                answers = list(caller.call)  # ends: the server closes the stream, the caller need not
                caller.done_sending()
                assert caller.call.code() is grpc.StatusCode.OK
                assert [each.draining for each in answers].count(True) == 1
                answered = [each for each in answers if not each.draining]
                assert len(answered) == len(ids) - 1
                assert {each.request_id for each in answered} < set(ids)
                # What the server had not read yet when the signal came, it hands back.
                assert {each.status for each in answered} <= {pb.OK, pb.UNAVAILABLE}
            watch.cancel()
            assert stopped.result() == 0, service.log_tail()


def test_a_model_error_at_start_names_the_file(tmp_path, model_root):
    damaged = tmp_path / "models" / "net" / "1"
    damaged.mkdir(parents=True)
    (damaged / "model.tflite").write_bytes(b"not a model")
    empty = tmp_path / "empty"
    empty.mkdir()
    no_files = tmp_path / "no-files"
    (no_files / "net" / "1").mkdir(parents=True)
    for root, flags, message in [
        (damaged.parents[1], [], f"{damaged}/model.tflite: "),
        (empty, [], f"{empty}: holds no model"),
        (no_files, [], f"{no_files}/net/1: holds neither"),
        (model_root, ["--models", f"{MODEL}@9"], "no version 9"),
        (model_root, ["--models", "efficientnet"], f"did you mean '{MODEL}'?"),
    ]:
        assert message in refusal(start(tmp_path, root, *flags))["message"]


def test_a_taken_address_is_refused_by_name(tmp_path, model_root, service):
    port = target(service).split(":")[1]
    socket = service.log.parent / "socket"
    for flags, message in [
        (["--grpc-port", port], f"--grpc-port: can't listen on 127.0.0.1:{port}: Address already in use"),
        (["--http-port", str(service.http_port)], f"--http-port: can't listen on 127.0.0.1:{service.http_port}: "),
        (["--unix-socket", str(socket)], f"--unix-socket: can't listen on {socket}: Address already in use"),
        (["--unix-socket", f"{tmp_path}/no/where"], f"--unix-socket: can't listen on {tmp_path}/no/where: "),
        (["--grpc-host", "no.such.host.invalid"], "--grpc-port: can't listen on no.such.host.invalid:0: "),
    ]:
        assert refusal(start(tmp_path, model_root, *flags))["message"].startswith(message)


def exit_code(service: Service) -> int | None:
    """Once it has ended by itself."""
    eventually(lambda: service.exit_code is not None, what="it ended")
    return service.exit_code


def refusal(service: Service) -> dict[str, str]:
    """The one error that a service ended with at its start; nothing but our JSON lines is printed."""
    assert exit_code(service) == 2, service.log_tail()
    assert len(service.logs()) == len(service.log.read_text().splitlines()), service.log_tail()
    (error,) = [line for line in service.logs() if line["level"] != "info"]
    return error


def test_flags_that_are_wrong(tmp_path, model_root):
    for flags, message in [
        (["--threads", "0"], "--threads or SIGHTLINE_FEATURIZER_THREADS: Input should be greater than or equal to 1"),
        (["--model-root", "/no/such"], "--model-root or SIGHTLINE_FEATURIZER_MODEL_ROOT: Value error, directory"),
    ]:
        service = start(tmp_path, model_root, *flags)
        assert exit_code(service) == 2
        assert message in service.log_tail()
