"""What can be set, and the limits."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.common.settings import GrpcSettings, existing

PROGRAM = "python -m services.featurizer"
EXAMPLES = f"""\
  {PROGRAM} --model-root build/models
  {PROGRAM} --model-root build/models --models efficientnet-lite0@1 --threads 2 --grpc-port 8500
  {PROGRAM} --model-root build/models --engine tensorflow --unix-socket /run/sightline/featurizer.sock
  SIGHTLINE_FEATURIZER_MODEL_ROOT=build/models {PROGRAM} --http-port 8501"""


class Settings(GrpcSettings):
    """Score images over gRPC with the models of a directory."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_FEATURIZER_")

    model_root: Path
    """Directory of models as TensorFlow Serving lays it out: <root>/<model>/<version>/."""

    models: str = ""
    """Models to load, separated by commas: name (the newest version), name@3, name:label. Empty: each one's newest."""

    engine: Literal["auto", "litert", "tensorflow"] = "auto"
    """What runs the network. auto: LiteRT where a version has a model.tflite, which is the faster on CPU."""

    threads: int = Field(default=os.cpu_count() or 1, ge=1, le=256)
    """Threads that one inference uses."""

    decode_threads: int = Field(default=os.cpu_count() or 1, ge=1, le=256)
    """Threads that decode the images of one batch; an image alone in its batch is decoded without a hand-over."""

    grpc_host: str = "0.0.0.0"
    """Address of the gRPC server."""

    grpc_port: int = Field(default=8500, ge=0, le=65_535)
    """Port of the gRPC server; 0 takes a free one and logs it."""

    unix_socket: Path | None = None
    """Socket file to serve gRPC on as well, for callers on the same host."""

    message_bytes_max: int = Field(default=16 << 20, ge=1 << 10, le=(1 << 31) - 1)
    """Bytes of the largest gRPC message, either way. Beyond it a stream ends with RESOURCE_EXHAUSTED."""

    batch_rows_max: int = Field(default=32, ge=1, le=4_096)
    """Images that run in one batch; a larger request is split."""

    queue_rows_max: int = Field(default=1_024, ge=1)
    """Images of one model that wait while it is busy; beyond, requests are answered RESOURCE_EXHAUSTED."""

    stream_requests_max: int = Field(default=256, ge=1)
    """Unanswered requests of one stream; beyond, the server stops reading it until answers have gone out."""

    image_pixels_max: int = Field(default=34_000_000, ge=1)
    """Width times height of the largest image that is decoded. One frame of an 8K camera has 33.2 million."""

    @field_validator("model_root")
    @classmethod
    def _existing(cls, root: Path) -> Path:
        return existing(root, "directory of models")
