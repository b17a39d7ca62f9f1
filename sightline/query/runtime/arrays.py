"""Functions of arrays. NULL elements are None; NaN equals itself and is above everything."""

from functools import cmp_to_key
from typing import Any

from sightline.query.errors import EvalError
from sightline.query.runtime.numbers import greatest, least, less


def _same(left: Any, right: Any) -> bool:
    return bool(left == right or (left != left and right != right))


def _order(left: Any, right: Any) -> int:
    return -1 if less(left, right) else 1 if less(right, left) else 0


def size(values: list[Any]) -> int:
    return len(values)


def element_at(values: list[Any], index: int) -> Any:
    if index == 0:
        raise EvalError("[INVALID_INDEX_OF_ZERO] elements count from 1")
    if abs(index) > len(values):
        raise EvalError(
            f"[INVALID_ARRAY_INDEX_IN_ELEMENT_AT] index {index} of {len(values)} elements; "
            "try_element_at gives NULL instead"
        )
    return values[index - 1 if index > 0 else index]


def try_element_at(values: list[Any], index: int) -> Any:
    return element_at(values, index) if index == 0 or abs(index) <= len(values) else None


def get(values: list[Any], index: int) -> Any:
    return values[index] if 0 <= index < len(values) else None


def array_contains(values: list[Any], value: Any) -> bool | None:
    if any(each is not None and _same(each, value) for each in values):
        return True
    return None if None in values else False


def array_position(values: list[Any], value: Any) -> int:
    return next((place for place, each in enumerate(values, 1) if each is not None and _same(each, value)), 0)


def array_remove(values: list[Any], value: Any) -> list[Any]:
    return [each for each in values if each is None or not _same(each, value)]


def array_distinct(values: list[Any]) -> list[Any]:
    kept = list[Any]()
    for each in values:
        if not any(_same(each, other) for other in kept):
            kept.append(each)
    return kept


def array_compact(values: list[Any]) -> list[Any]:
    return [each for each in values if each is not None]


def array_max(values: list[Any]) -> Any:
    return greatest(*values)


def array_min(values: list[Any]) -> Any:
    return least(*values)


def array_join(values: list[str | None], separator: str, null: str | None = None) -> str:
    written = (null if each is None else each for each in values)
    return separator.join(each for each in written if each is not None)


def sort_array(values: list[Any], ascending: bool = True) -> list[Any]:
    nulls = [None] * values.count(None)
    present = sorted((each for each in values if each is not None), key=cmp_to_key(_order), reverse=not ascending)
    return nulls + present if ascending else present + nulls


def array_slice(values: list[Any], start: int, length: int) -> list[Any]:
    if start == 0:
        raise EvalError("[INVALID_PARAMETER_VALUE.START] elements count from 1")
    if length < 0:
        raise EvalError("[INVALID_PARAMETER_VALUE.LENGTH] the length is not negative")
    first = start - 1 if start > 0 else len(values) + start
    return values[first : first + length] if first >= 0 else []
