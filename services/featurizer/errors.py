"""What goes wrong with a request or an image, and the status each gets on the wire: decided here and nowhere else."""

from dataclasses import dataclass
from enum import StrEnum

from sightline.batching import Admission
from sightline.models.decode import ImageFault
from sightline.proto import featurizer_pb2 as pb


class Fault(StrEnum):
    """Why a request, or one image of it, has no scores; beside what is wrong with the image itself (ImageFault)."""

    MODEL_NOT_FOUND = "model_not_found"
    SIGNATURE_NOT_FOUND = "signature_not_found"
    INVALID_ARGUMENT = "invalid_argument"
    MODEL_ERROR = "model_error"
    QUEUE_FULL = "queue_full"
    DEADLINE_PASSED = "deadline_passed"
    NOT_SERVING = "not_serving"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No scores, and why, in words for a person."""

    fault: Fault | ImageFault
    detail: str


STATUS: dict[Fault | ImageFault, pb.Status] = {
    ImageFault.NOT_AN_IMAGE: pb.NOT_AN_IMAGE,
    ImageFault.TRUNCATED_IMAGE: pb.TRUNCATED_IMAGE,
    ImageFault.IMAGE_TOO_LARGE: pb.IMAGE_TOO_LARGE,
    Fault.MODEL_NOT_FOUND: pb.MODEL_NOT_FOUND,
    Fault.SIGNATURE_NOT_FOUND: pb.SIGNATURE_NOT_FOUND,
    Fault.INVALID_ARGUMENT: pb.INVALID_ARGUMENT,
    Fault.MODEL_ERROR: pb.MODEL_ERROR,
    Fault.QUEUE_FULL: pb.RESOURCE_EXHAUSTED,
    Fault.DEADLINE_PASSED: pb.DEADLINE_EXCEEDED,
    Fault.NOT_SERVING: pb.UNAVAILABLE,
}

LOADING = Refusal(Fault.NOT_SERVING, "the models are being loaded")
DRAINING = Refusal(Fault.NOT_SERVING, "the server is stopping; send to another")
NO_IMAGES = Refusal(Fault.INVALID_ARGUMENT, "the request has no images")
ANSWER_TOO_LARGE = Refusal(
    Fault.INVALID_ARGUMENT, "the answer is larger than message_bytes_max; send fewer images in one request"
)
EXPIRED = Refusal(Fault.DEADLINE_PASSED, "timeout_ms passed before the model was free")
MODEL_ERROR = Refusal(Fault.MODEL_ERROR, "the model failed on this image; the server's log says how")

_NOT_ADMITTED = {
    Admission.QUEUE_FULL: (Fault.QUEUE_FULL, "the model's queue is full: {rows} images do not fit in"),
    Admission.TOO_MANY_ROWS: (Fault.INVALID_ARGUMENT, "{rows} images in one request are more than queue_rows_max"),
}


def not_admitted(admission: Admission, rows: int) -> Refusal | None:
    """None where the work was accepted."""
    if admission is Admission.ACCEPTED:
        return None
    fault, detail = _NOT_ADMITTED[admission]
    return Refusal(fault, detail.format(rows=rows))
