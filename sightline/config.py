"""YAML files of the user's (pipelines, rules) as typed structs, with errors that name file, line and key."""

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from sightline.errors import ConfigError

T = TypeVar("T")

FILE_BYTES_MAX = 1 << 20

# msgspec ends its messages with the path of the value at fault: "... - at `$.sources[0].topic`".
_AT = re.compile(r"^(?P<message>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)


class Document:
    """One YAML file: its value, and the line and column of each key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"can't be read: {error}", file=path) from None
        if len(text) > FILE_BYTES_MAX:
            raise ConfigError(f"is larger than {FILE_BYTES_MAX} bytes", file=path)
        try:
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
            self.value: Any = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
            raise ConfigError(f"is not YAML: {error.problem}", file=path, line=line, column=column) from None
        self._lines = text.splitlines()

    def convert(self, kind: type[T]) -> T:
        """The whole file as `kind`, a msgspec Struct. Raises ConfigError at the key at fault."""
        try:
            return msgspec.convert(self.value, kind)
        except msgspec.ValidationError as error:
            match = _AT.match(str(error))
            assert match
            raise self.error(match["message"], match["path"] or "$") from None

    def error(self, message: str, path: str) -> ConfigError:
        """An error at `path`, written as msgspec does: `$.sources.events[0]`."""
        keys = re.findall(r"[^.\[\]$]+", path)
        unknown = re.search(r"unknown field `([^`]+)`", message)
        node = self._node([*keys, unknown[1]] if unknown else keys)
        mark = node.start_mark if node else None
        return ConfigError(
            message,
            file=self.path,
            key=".".join(keys) or None,
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
        )

    def is_block(self, *keys: str) -> bool:
        """Whether the scalar under `keys` is written as a block (`|`), every line indented alike."""
        return getattr(self._node(list(keys)), "style", None) in ("|", ">")

    def text_start(self, *keys: str) -> tuple[int, int]:
        """Zero-based line and column at which the text of the scalar under `keys` begins in the file."""
        node = self._node(list(keys))
        if node is None:
            return 0, 0
        if self.is_block(*keys):
            line = node.start_mark.line + 1
            body = self._lines[line] if line < len(self._lines) else ""
            return line, len(body) - len(body.lstrip())
        return node.start_mark.line, node.start_mark.column + (1 if getattr(node, "style", None) else 0)

    def _node(self, keys: list[str]) -> yaml.Node | None:
        node = self._root
        for key in keys:
            if isinstance(node, yaml.MappingNode):
                node = next((value for name, value in node.value if name.value == key), node)
            elif isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
                node = node.value[int(key)]
        return node
