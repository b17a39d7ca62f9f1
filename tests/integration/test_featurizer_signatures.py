"""Signatures by name, over gRPC: the exported network's, and those of a SavedModel made by hand."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sightline.models.decode import decode
from sightline.models.engines import load
from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc
from tests import marked_featurizer
from tests.integration.featurizer import ESPRESSO, MODEL, Caller, calling, coffee, encoded, grey, rocket, start, target
from tests.integration.hand_made_model import SIZE, make_by_hand
from tools.services import Service

HAND_MADE = "by-hand"


@pytest.fixture(scope="module")
def exported(root: Path) -> Path:
    assert (root / "build" / "models" / MODEL).is_dir(), "run `make models` first"
    return root / "build" / "models" / MODEL


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, exported: Path) -> Iterator[Service]:
    """Both models, LiteRT for the one and TensorFlow for the other, behind an engine that marked images break."""
    directory = tmp_path_factory.mktemp("signatures")
    models = directory / "models"
    make_by_hand(models / HAND_MADE / "1")
    (models / MODEL).symlink_to(exported)
    service = start(directory, models, module="tests.marked_featurizer")
    try:
        yield service.wait_ready()
        assert service.stop() == 0, service.log_tail()
    finally:
        service.kill()


@pytest.fixture
def caller(service: Service) -> Iterator[Caller]:
    with calling(target(service)) as channel:
        caller = Caller(channel)
        yield caller
        caller.done_sending()
        assert list(caller.call) == []


def test_the_feature_vector_is_the_networks(caller: Caller, exported: Path) -> None:
    response = caller.ask(rocket(), b"no image", coffee(), signature="featurize")
    assert (response.status, response.engine) == (pb.OK, "litert")
    assert [each.status for each in response.results] == [pb.OK, pb.NOT_AN_IMAGE, pb.OK]
    assert not any(each.classes for each in response.results)
    engine = load(exported / "1", "litert")
    images = np.stack([decode(data, engine.input_size) for data in (rocket(), coffee())])
    got = np.array([response.results[index].values for index in (0, 2)], np.float32)
    np.testing.assert_allclose(got, engine.run("featurize", images), atol=0.1)  # other threads, other rounding
    assert got.shape == (2, 1280)


def test_requests_of_all_signatures_share_a_stream(caller: Caller) -> None:
    wanted: dict[int, int | None] = {}
    for _ in range(10):
        wanted[caller.send(coffee())] = None
        wanted[caller.send(coffee(), signature="featurize")] = 1280
        wanted[caller.send(coffee(), signature="predict")] = None
        wanted[caller.send(coffee(), signature="serving_default")] = 1000
        wanted[caller.send(grey(3), model=HAND_MADE, signature="norms")] = 6
    for _ in wanted:
        response = next(caller.call)
        assert response.status == pb.OK
        (result,) = response.results
        if wanted[response.request_id] is None:
            assert result.classes[0].label == ESPRESSO and not result.values
        else:
            assert len(result.values) == wanted[response.request_id] and not result.classes


def test_a_signature_made_by_hand(caller: Caller) -> None:
    pixels = np.full((SIZE, SIZE, 3), (3, 4, 0), np.uint8)
    response = caller.ask(encoded(pixels, "PNG"), grey(255), model=HAND_MADE, signature="norms")
    assert (response.status, response.engine, response.timing.batch_rows) == (pb.OK, "tensorflow", 2)
    first, second = (np.reshape(each.values, (2, 3)) for each in response.results)
    np.testing.assert_allclose(first, [[3 * 64, 4 * 64, 0], [3 * 8, 4 * 8, 0]], rtol=1e-6)
    np.testing.assert_allclose(second, [[255 * 64] * 3, [255 * 8] * 3], rtol=1e-6)
    assert list(caller.ask(grey(255), model=HAND_MADE, signature="light").results[0].values) == [1.0]


def test_the_row_that_a_signature_fails_on_is_the_only_one_without_values(caller: Caller) -> None:
    fails = marked_featurizer.image(marked_featurizer.FAILS)
    response = caller.ask(grey(1), fails, grey(2), model=HAND_MADE, signature="light")
    assert [each.status for each in response.results] == [pb.OK, pb.MODEL_ERROR, pb.OK]
    assert [len(each.values) for each in response.results] == [1, 0, 1]


@pytest.mark.parametrize(
    ("model", "signature", "there"),
    [
        (MODEL, "featurise", f"{MODEL}@1 has no signature 'featurise'; there is featurize, predict, serving_default"),
        (MODEL, "predict_jpeg", "no signature 'predict_jpeg'"),
        (HAND_MADE, "featurize", f"{HAND_MADE}@1 has no signature 'featurize'; there is light, norms, predict, serv"),
        (HAND_MADE, "two_outputs", "no signature"),
        (HAND_MADE, "of_the_batch", "no signature"),
        (HAND_MADE, "whole_numbers", "no signature"),
        (HAND_MADE, "of_text", "no signature"),
        (HAND_MADE, "x" * 1000, f"no signature '{'x' * 100}';"),
    ],
)
def test_a_signature_that_is_not_there(caller: Caller, model: str, signature: str, there: str) -> None:
    response = caller.ask(grey(0), model=model, signature=signature)
    assert (response.status, list(response.results)) == (pb.SIGNATURE_NOT_FOUND, [])
    assert there in response.detail


def test_what_there_is_is_listed(service: Service) -> None:
    with calling(target(service)) as channel:
        models = featurizer_pb2_grpc.FeaturizerStub(channel).ListModels(pb.ListModelsRequest()).models
    assert {
        model.name: [(each.name, each.output, list(each.shape)) for each in model.signatures] for model in models
    } == {
        HAND_MADE: [
            ("light", pb.VALUES, []),
            ("norms", pb.VALUES, [2, 3]),
            ("predict", pb.CLASSES, [2]),
            ("serving_default", pb.VALUES, [2]),
        ],
        MODEL: [
            ("featurize", pb.VALUES, [1280]),
            ("predict", pb.CLASSES, [1000]),
            ("serving_default", pb.VALUES, [1000]),
        ],
    }
