"""Outcomes as messages of sightline.v1.Featurizer."""

from collections.abc import Iterable

from services.featurizer.errors import STATUS, Refusal
from services.featurizer.repository import Servable
from services.featurizer.scheduler import Answer
from services.featurizer.scoring import Row
from sightline.models.signatures import PREDICT, Shape
from sightline.proto import featurizer_pb2 as pb

_US = 1e6


def signature(request: pb.PredictRequest) -> str:
    return request.signature or PREDICT


def refused(request: pb.PredictRequest, refusal: Refusal) -> pb.PredictResponse:
    return pb.PredictResponse(request_id=request.request_id, status=STATUS[refusal.fault], detail=refusal.detail)


def response(request: pb.PredictRequest, servable: Servable, outcome: Answer | Refusal) -> pb.PredictResponse:
    if isinstance(outcome, Refusal):
        return refused(request, outcome)
    timing = pb.Timing(
        queue_us=int(outcome.queue_s * _US),
        decode_us=int(outcome.decode_s * _US),
        inference_us=int(outcome.inference_s * _US),
        batch_rows=outcome.batch_rows,
    )
    if signature(request) == PREDICT:
        results = [_classes(row, request.top_k or 1, servable.engine.labels) for row in outcome.rows]
    else:
        results = [_values(row) for row in outcome.rows]
    return pb.PredictResponse(
        request_id=request.request_id,
        status=pb.OK,
        results=results,
        model_version=servable.version,
        engine=servable.engine.name,
        timing=timing,
    )


def models(servables: Iterable[Servable]) -> pb.ListModelsResponse:
    """One entry a model, its versions oldest first; everything else is the newest version's."""
    by_name: dict[str, list[Servable]] = {}
    for servable in servables:
        by_name.setdefault(servable.name, []).append(servable)
    return pb.ListModelsResponse(
        models=[
            pb.Model(
                name=name,
                versions=[each.version for each in versions],
                engine=versions[-1].engine.name,
                input_size=versions[-1].engine.input_size,
                signatures=[_signature(*each) for each in sorted(versions[-1].engine.signatures.items())],
            )
            for name, versions in by_name.items()
        ]
    )


def _signature(name: str, shape: Shape) -> pb.Signature:
    output = pb.CLASSES if name == PREDICT else pb.VALUES
    return pb.Signature(name=name, output=output, shape=[-1 if n is None else n for n in shape])


def _refused_image(refusal: Refusal) -> pb.ImageResult:
    return pb.ImageResult(status=STATUS[refusal.fault], detail=refusal.detail)


def _values(row: Row) -> pb.ImageResult:
    if isinstance(row, Refusal):
        return _refused_image(row)
    return pb.ImageResult(status=pb.OK, values=row.ravel().tolist())  # a list of floats is copied faster than an array


def _classes(row: Row, top_k: int, labels: list[str]) -> pb.ImageResult:
    if isinstance(row, Refusal):
        return _refused_image(row)
    # Of equal scores the first class comes first, either way.
    best = [row.argmax()] if top_k == 1 else (-row).argsort(kind="stable")[:top_k]
    classes = [pb.Classification(label=labels[index], score=row[index]) for index in best]
    return pb.ImageResult(status=pb.OK, classes=classes)
