"""A featurizer made by hand from the protos: it answers what the "image" says, so the joiner is tested alone.

An image is text. "cat 0.9" gives that class; "bad" is not an image; "busy" is refused once and then a dog; "full" is
refused until `has_room`;
"die" ends the whole stream, as a crash would, every time it is in a request. Asked for "featurize" it gives the image's
first three bytes, for "length" how many there are.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc

SIGNATURES = (
    pb.Signature(name="featurize", output=pb.VALUES, shape=[3]),
    pb.Signature(name="length", output=pb.VALUES, shape=[]),
    pb.Signature(name="predict", output=pb.CLASSES, shape=[2]),
)


class Scripted(featurizer_pb2_grpc.FeaturizerServicer):
    def __init__(self) -> None:
        self.requests: list[list[bytes]] = []
        self.signatures: list[str] = []
        """Of each request."""
        self._was_busy: set[bytes] = set()
        self.answers, self.has_room = threading.Event(), threading.Event()
        """Without `answers` all requests wait."""
        self.health = health.HealthServicer()
        self.serving(True)
        self.answers.set()

    def serving(self, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse
        self.health.set("", status.SERVING if serving else status.NOT_SERVING)

    def ListModels(self, request: pb.ListModelsRequest, context: grpc.ServicerContext) -> pb.ListModelsResponse:
        model = pb.Model(name="m", versions=["1"], engine="scripted", signatures=SIGNATURES)
        return pb.ListModelsResponse(models=[model])

    def Predict(
        self, requests: Iterator[pb.PredictRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.PredictResponse]:
        for request in requests:
            self.requests.append(list(request.images))
            self.signatures.append(request.signature)
            while not self.answers.wait(0.1):
                if not context.is_active():
                    return
            if any(image.startswith(b"die") for image in request.images):
                context.abort(grpc.StatusCode.UNAVAILABLE, "died")
            if request.signature not in ("", *(each.name for each in SIGNATURES)):
                yield pb.PredictResponse(
                    request_id=request.request_id,
                    status=pb.SIGNATURE_NOT_FOUND,
                    detail=f"m@1 has no signature {request.signature!r}; there is featurize, length, predict",
                )
                continue
            yield pb.PredictResponse(
                request_id=request.request_id,
                status=pb.OK,
                results=[self._one(image, request.signature) for image in request.images],
                model="m",
                model_version="1",
                engine="scripted",
                timing=pb.Timing(decode_us=1, inference_us=2, batch_rows=len(request.images)),
            )

    def _one(self, image: bytes, signature: str) -> pb.ImageResult:
        if image.startswith(b"bad"):
            return pb.ImageResult(status=pb.NOT_AN_IMAGE, detail="no")
        if image.startswith(b"full") and not self.has_room.is_set():
            return pb.ImageResult(status=pb.RESOURCE_EXHAUSTED, detail="later")
        if image.startswith(b"busy") and image not in self._was_busy:
            self._was_busy.add(image)
            return pb.ImageResult(status=pb.RESOURCE_EXHAUSTED, detail="later")
        if signature in ("featurize", "length"):
            return pb.ImageResult(status=pb.OK, values=list(image[:3]) if signature == "featurize" else [len(image)])
        label, score = (image.decode().split() + ["dog", "0.9"])[:2] if image.startswith(b"cat") else ("dog", "0.9")
        return pb.ImageResult(status=pb.OK, classes=[pb.Classification(label=label, score=float(score))])


@contextmanager
def scripted_featurizer(port: int = 0) -> Iterator[tuple[str, Scripted]]:
    """Address, and the servicer with what it was asked."""
    pings = [("grpc.http2.min_ping_interval_without_data_ms", 1_000), ("grpc.keepalive_permit_without_calls", 1)]
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0), *pings])
    servicer = Scripted()
    featurizer_pb2_grpc.add_FeaturizerServicer_to_server(servicer, server)
    health_pb2_grpc.add_HealthServicer_to_server(servicer.health, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"127.0.0.1:{bound}", servicer
    finally:
        server.stop(None).wait()
