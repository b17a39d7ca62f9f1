"""A caller of the featurizer that is gRPC's own client, and photographs to send."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import grpc
import numpy as np
from PIL import Image
from skimage import data

from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc
from tests.integration import harness
from tools.services import Service

MODEL = "efficientnet-lite0"
TIMEOUT_S = 60

MISSILE, ESPRESSO = "missile", "espresso"


def encoded(pixels: np.ndarray, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def rocket() -> bytes:
    """The network sees a missile."""
    return encoded(data.rocket())


def coffee(kind: str = "JPEG") -> bytes:
    """The network sees an espresso."""
    return encoded(data.coffee(), kind)


def grey(value: int) -> bytes:
    return encoded(np.full((16, 16, 3), value, np.uint8), "PNG")


class Caller:
    """One open stream."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._requests: SimpleQueue[pb.PredictRequest | None] = SimpleQueue()
        stub = featurizer_pb2_grpc.FeaturizerStub(channel)
        self.call = stub.Predict(iter(self._requests.get, None), timeout=TIMEOUT_S)
        self._sent = 0

    def send(self, *images: bytes, model: str = MODEL, signature: str = "", **fields: int) -> int:
        self._sent += 1
        request = pb.PredictRequest(request_id=self._sent, model=model, signature=signature, images=images, **fields)
        self._requests.put(request)
        return self._sent

    def ask(self, *images: bytes, model: str = MODEL, signature: str = "", **fields: int) -> pb.PredictResponse:
        """The response to this request, when no other is unanswered."""
        request_id = self.send(*images, model=model, signature=signature, **fields)
        response: pb.PredictResponse = next(self.call)
        assert response.request_id == request_id
        return response

    def done_sending(self) -> None:
        self._requests.put(None)


@contextmanager
def calling(target: str) -> Iterator[grpc.Channel]:
    """A channel with a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(target, options=options) as channel:
        yield channel


def target(service: Service) -> str:
    """Where a ready featurizer says it listens."""
    port = next(line["port"] for line in service.logs() if line["message"] == "grpc listening")
    return f"127.0.0.1:{port}"


def start(directory: Path, model_root: Path, *flags: str, module: str | None = None) -> Service:
    """A featurizer that may not be ready yet, on a port that it chooses."""
    where = ("--model-root", str(model_root), "--grpc-host", "127.0.0.1", "--grpc-port", "0")
    return harness.start("featurizer", directory, *where, *flags, module=module)
