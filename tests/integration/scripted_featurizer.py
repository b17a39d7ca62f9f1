"""A featurizer made by hand from the protos: it answers what the "image" says, so the joiner is tested alone.

An image is text. "cat 0.9" gives that class; "bad" is not an image; "busy" is refused once and then a dog;
"die" ends the whole stream, as a crash would, every time it is in a request.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from sightline.proto import featurizer_pb2 as pb
from sightline.proto import featurizer_pb2_grpc


class Scripted(featurizer_pb2_grpc.FeaturizerServicer):
    def __init__(self) -> None:
        self.requests: list[list[bytes]] = []
        self._was_busy: set[bytes] = set()

    def ListModels(self, request: pb.ListModelsRequest, context: grpc.ServicerContext) -> pb.ListModelsResponse:
        return pb.ListModelsResponse(models=[pb.Model(name="m", versions=["1"], engine="scripted")])

    def Predict(
        self, requests: Iterator[pb.PredictRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.PredictResponse]:
        for request in requests:
            self.requests.append(list(request.images))
            if any(image.startswith(b"die") for image in request.images):
                context.abort(grpc.StatusCode.UNAVAILABLE, "died")
            yield pb.PredictResponse(
                request_id=request.request_id,
                status=pb.OK,
                results=[self._one(image) for image in request.images],
                model="m",
                model_version="1",
                engine="scripted",
                timing=pb.Timing(decode_us=1, inference_us=2, batch_rows=len(request.images)),
            )

    def _one(self, image: bytes) -> pb.ImageResult:
        if image.startswith(b"bad"):
            return pb.ImageResult(status=pb.NOT_AN_IMAGE, detail="no")
        if image.startswith(b"busy") and image not in self._was_busy:
            self._was_busy.add(image)
            return pb.ImageResult(status=pb.RESOURCE_EXHAUSTED, detail="later")
        label, score = (image.decode().split() + ["dog", "0.9"])[:2] if image.startswith(b"cat") else ("dog", "0.9")
        return pb.ImageResult(status=pb.OK, classes=[pb.Classification(label=label, score=float(score))])


@contextmanager
def scripted_featurizer(port: int = 0) -> Iterator[tuple[str, Scripted]]:
    """Address, and the servicer with what it was asked."""
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    servicer = Scripted()
    featurizer_pb2_grpc.add_FeaturizerServicer_to_server(servicer, server)
    status = health.HealthServicer()
    status.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"127.0.0.1:{bound}", servicer
    finally:
        server.stop(None).wait()
