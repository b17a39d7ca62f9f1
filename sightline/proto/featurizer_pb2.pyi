from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_UNSPECIFIED: _ClassVar[Status]
    OK: _ClassVar[Status]
    NOT_AN_IMAGE: _ClassVar[Status]
    TRUNCATED_IMAGE: _ClassVar[Status]
    IMAGE_TOO_LARGE: _ClassVar[Status]
    MODEL_NOT_FOUND: _ClassVar[Status]
    INVALID_ARGUMENT: _ClassVar[Status]
    MODEL_ERROR: _ClassVar[Status]
    SIGNATURE_NOT_FOUND: _ClassVar[Status]
    RESOURCE_EXHAUSTED: _ClassVar[Status]
    DEADLINE_EXCEEDED: _ClassVar[Status]
    UNAVAILABLE: _ClassVar[Status]

class Output(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTPUT_UNSPECIFIED: _ClassVar[Output]
    CLASSES: _ClassVar[Output]
    VALUES: _ClassVar[Output]
STATUS_UNSPECIFIED: Status
OK: Status
NOT_AN_IMAGE: Status
TRUNCATED_IMAGE: Status
IMAGE_TOO_LARGE: Status
MODEL_NOT_FOUND: Status
INVALID_ARGUMENT: Status
MODEL_ERROR: Status
SIGNATURE_NOT_FOUND: Status
RESOURCE_EXHAUSTED: Status
DEADLINE_EXCEEDED: Status
UNAVAILABLE: Status
OUTPUT_UNSPECIFIED: Output
CLASSES: Output
VALUES: Output

class PredictRequest(_message.Message):
    __slots__ = ("request_id", "model", "top_k", "timeout_ms", "priority", "images", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    model: str
    top_k: int
    timeout_ms: int
    priority: int
    images: _containers.RepeatedScalarFieldContainer[bytes]
    signature: str
    def __init__(self, request_id: _Optional[int] = ..., model: _Optional[str] = ..., top_k: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., priority: _Optional[int] = ..., images: _Optional[_Iterable[bytes]] = ..., signature: _Optional[str] = ...) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("request_id", "status", "detail", "results", "model_version", "engine", "timing", "draining", "model")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    status: Status
    detail: str
    results: _containers.RepeatedCompositeFieldContainer[ImageResult]
    model_version: str
    engine: str
    timing: Timing
    draining: bool
    model: str
    def __init__(self, request_id: _Optional[int] = ..., status: _Optional[_Union[Status, str]] = ..., detail: _Optional[str] = ..., results: _Optional[_Iterable[_Union[ImageResult, _Mapping]]] = ..., model_version: _Optional[str] = ..., engine: _Optional[str] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ..., draining: _Optional[bool] = ..., model: _Optional[str] = ...) -> None: ...

class ImageResult(_message.Message):
    __slots__ = ("status", "detail", "classes", "values")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    status: Status
    detail: str
    classes: _containers.RepeatedCompositeFieldContainer[Classification]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., detail: _Optional[str] = ..., classes: _Optional[_Iterable[_Union[Classification, _Mapping]]] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class Classification(_message.Message):
    __slots__ = ("label", "score")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    label: str
    score: float
    def __init__(self, label: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("queue_us", "decode_us", "inference_us", "batch_rows")
    QUEUE_US_FIELD_NUMBER: _ClassVar[int]
    DECODE_US_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_US_FIELD_NUMBER: _ClassVar[int]
    BATCH_ROWS_FIELD_NUMBER: _ClassVar[int]
    queue_us: int
    decode_us: int
    inference_us: int
    batch_rows: int
    def __init__(self, queue_us: _Optional[int] = ..., decode_us: _Optional[int] = ..., inference_us: _Optional[int] = ..., batch_rows: _Optional[int] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "versions", "engine", "input_size", "signatures")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    INPUT_SIZE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    name: str
    versions: _containers.RepeatedScalarFieldContainer[str]
    engine: str
    input_size: int
    signatures: _containers.RepeatedCompositeFieldContainer[Signature]
    def __init__(self, name: _Optional[str] = ..., versions: _Optional[_Iterable[str]] = ..., engine: _Optional[str] = ..., input_size: _Optional[int] = ..., signatures: _Optional[_Iterable[_Union[Signature, _Mapping]]] = ...) -> None: ...

class Signature(_message.Message):
    __slots__ = ("name", "output", "shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    output: Output
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., output: _Optional[_Union[Output, str]] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...
