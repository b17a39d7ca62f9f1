"""What a query's calls of models mean to a featurizer: whether it has them, and why an image can't be scored."""

from collections.abc import Iterable

from sightline.events import Reason
from sightline.proto import featurizer_pb2 as pb
from sightline.query.pipeline import PipelineFile
from sightline.query.planning.nodes import ModelCall
from sightline.query.schema import did_you_mean

REFUSED = {
    pb.NOT_AN_IMAGE: Reason.NOT_AN_IMAGE,
    pb.TRUNCATED_IMAGE: Reason.TRUNCATED_IMAGE,
    pb.IMAGE_TOO_LARGE: Reason.IMAGE_TOO_LARGE,
    pb.MODEL_ERROR: Reason.MODEL_ERROR,
    pb.INVALID_ARGUMENT: Reason.MODEL_ERROR,
    pb.SIGNATURE_NOT_FOUND: Reason.MODEL_ERROR,
}
"""Answers that are the same whenever one asks; all others may pass."""


def check_call(file: PipelineFile, call: ModelCall, listed: Iterable[pb.Model]) -> None:
    """`listed`: what the featurizer serves. Raises QueryError if that lacks the model, or the signature."""
    models = {each.name: each for each in listed}
    name = call.model.partition("@")[0].partition(":")[0]
    if name not in models:
        raise file.query_error(f"the featurizer has no model {name!r}{did_you_mean(name, models)}", call.offset)
    signatures = {each.name for each in models[name].signatures}
    if call.function != "predict" and call.function not in signatures:
        hint = did_you_mean(call.function, signatures)
        raise file.query_error(f"the model {name!r} has no signature {call.function!r}{hint}", call.offset)
