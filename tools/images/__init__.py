"""The container images: build them, write them to archives, weigh them. `python -m tools.images --help`."""

from tools.images.builds import build, save
from tools.images.engines import Engine, ImagesError, find_engine
from tools.images.targets import PRODUCT, image_name

__all__ = ["PRODUCT", "Engine", "ImagesError", "build", "find_engine", "image_name", "save"]
