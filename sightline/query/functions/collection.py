"""Arrays and structs."""

from sightline.query.expressions.code import Code
from sightline.query.expressions.coercion import common_type
from sightline.query.expressions.conditional import aligned
from sightline.query.functions.registry import Call, define, family
from sightline.query.runtime import arrays
from sightline.query.runtime.rows import struct_class
from sightline.query.types import BIGINT, BOOLEAN, DOUBLE, FLOAT, INT, NULL, STRING, Array, Decimal, Field, Struct, Type

family("arrays and structs")


def _array(call: Call) -> Code:
    if not call.codes:
        return call.e.code("[]", Array(element=NULL), False)
    codes = aligned(call.e, call.codes, "ARRAY", call.node)
    return call.e.code(f"[{', '.join(each.text for each in codes)}]", Array(element=codes[0].type), False, *codes)


def _row(call: Call, names: list[str], codes: list[Code]) -> Code:
    if len({each.lower() for each in names}) != len(names):
        raise call.error("two fields of one name")
    kind = Struct(fields=tuple(Field(name, code.type) for name, code in zip(names, codes, strict=True)))
    name = call.e.keep(struct_class(kind))
    return call.e.code(f"{name}({', '.join(each.text for each in codes)})", kind, False, *codes)


def _struct(call: Call) -> Code:
    names = []
    for index, node in enumerate(call.arguments, 1):
        name = node.alias_or_name if node.key in ("alias", "column", "dot") else ""
        names.append(name or f"col{index}")
    return _row(call, names, call.codes)


def _named_struct(call: Call) -> Code:
    if len(call.codes) % 2:
        raise call.error("named_struct takes names and values in turn")
    names = [call.constant(index) for index in range(0, len(call.codes), 2)]
    if not all(isinstance(each, str) for each in names):
        raise call.error("names of fields are strings")
    return _row(call, names, call.codes[1::2])


def _element_type(call: Call) -> Type:
    kind = call.codes[0].type
    assert isinstance(kind, Array)
    return kind.element


def _comparable(call: Call) -> Type:
    kind = _element_type(call)
    if isinstance(kind, Array | Struct):
        raise call.error(f"{call.function.name} of {str(call.codes[0].type).upper()} is not supported")
    return kind


def _searched(call: Call) -> tuple[Code, Code]:
    element, value = _comparable(call), call.codes[1]
    kind = common_type(element, value.type)
    if FLOAT in (element, value.type) and DOUBLE not in (element, value.type):
        kind = FLOAT
    if element != value.type and (isinstance(element, Decimal) or isinstance(value.type, Decimal)):
        kind = None
    if kind is None or value.type == NULL or (STRING in (element, value.type) and element != value.type):
        raise call.error(f"{call.function.name} looks for a value of the array's type, {str(element).upper()}")
    return call.e.cast(call.codes[0], Array(element=kind)), call.e.cast(value, kind)


def _contains(call: Call) -> Code:
    return call.e.call(arrays.array_contains, BOOLEAN, *_searched(call), gives_null=True)


def _position(call: Call) -> Code:
    return call.e.call(arrays.array_position, BIGINT, *_searched(call))


def _remove(call: Call) -> Code:
    values, value = _searched(call)
    return call.e.call(arrays.array_remove, values.type, values, value)


def _same_array(call: Call) -> Code:
    _comparable(call)
    helper = getattr(arrays, call.function.name)
    return call.e.call(helper, call.codes[0].type, *call.codes)


def _sort(call: Call) -> Code:
    if len(call.codes) > 1:
        call.constant(1)
    return _same_array(call)


def _extreme(call: Call) -> Code:
    return call.e.call(getattr(arrays, call.function.name), _comparable(call), call.codes[0], gives_null=True)


def _element(call: Call) -> Code:
    index = call.codes[1]
    if not index.type.integral or index.type == BIGINT:
        raise call.error(f"{call.function.signature}: index is INT, this is {str(index.type).upper()}")
    return call.e.call(getattr(arrays, call.function.name), _element_type(call), *call.codes, gives_null=True)


def _slice(call: Call) -> Code:
    return call.e.call(arrays.array_slice, call.codes[0].type, *call.codes)


def _size(call: Call) -> Code:
    return call.e.call(arrays.size, INT, call.codes[0])


def _join(call: Call) -> Code:
    values = call.e.cast(call.codes[0], Array(element=STRING))
    return call.e.call(arrays.array_join, STRING, values, *call.codes[1:])


define("array(value any, ...) -> array", None, "An array of values of one type.", ("array(1, 2)[0]", "1"), build=_array)
define(
    "struct(value any, ...) -> struct",
    None,
    "A struct; fields are named by AS, by their column, or col1, col2, …",
    ("struct(1 AS a, 2 AS b).b", "2"),
    build=_struct,
)
define(
    "named_struct(name any, value any, ...) -> struct",
    None,
    "A struct of names and values in turn.",
    ("named_struct('a', 1).a", "1"),
    build=_named_struct,
)
define(
    "size(values array) -> int",
    None,
    "How many elements.",
    ("size(array(1, NULL))", "2"),
    build=_size,
    aliases=("cardinality", "array_size"),
)
define(
    "element_at(values array, index any) -> any",
    None,
    "The element at `index` from 1, or from the end if negative.",
    ("element_at(array(1, 2), -1)", "2"),
    build=_element,
)
define(
    "try_element_at(values array, index any) -> any",
    None,
    "As element_at; NULL where there is none.",
    ("try_element_at(array(1, 2), 3)", "NULL"),
    build=_element,
)
define(
    "get(values array, index any) -> any",
    None,
    "The element at `index` from 0; NULL where there is none.",
    ("get(array(1, 2), 2)", "NULL"),
    build=_element,
)
define(
    "array_contains(values array, value any) -> boolean",
    None,
    "Whether it is an element; NULL if not and one is NULL.",
    ("array_contains(array(1, 2), 2)", "true"),
    build=_contains,
)
define(
    "array_position(values array, value any) -> bigint",
    None,
    "Its first place, from 1; 0 if nowhere.",
    ("array_position(array('a', 'b'), 'b')", "2L"),
    build=_position,
)
define(
    "array_remove(values array, value any) -> array",
    None,
    "Without this element.",
    ("array_remove(array(1, 2, 1), 1)", "array(2)"),
    build=_remove,
)
define(
    "array_distinct(values array) -> array",
    None,
    "Each element once.",
    ("array_distinct(array(1, 2, 1))", "array(1, 2)"),
    build=_same_array,
)
define(
    "array_compact(values array) -> array",
    None,
    "Without NULLs.",
    ("array_compact(array(1, NULL))", "array(1)"),
    build=_same_array,
)
define(
    "array_max(values array) -> any",
    None,
    "The greatest; NULLs are passed over.",
    ("array_max(array(1, NULL, 2))", "2"),
    build=_extreme,
)
define(
    "array_min(values array) -> any",
    None,
    "The least; NULLs are passed over.",
    ("array_min(array(1, NULL, 2))", "1"),
    build=_extreme,
)
define(
    "array_join(values array, separator string[, null string]) -> string",
    None,
    "The elements as text; NULLs are left out, or written as `null`.",
    ("array_join(array('a', NULL, 'b'), '-')", "'a-b'"),
    build=_join,
)
define(
    "sort_array(values array[, ascending boolean]) -> array",
    None,
    "Sorted; NULLs first, or last if descending.",
    ("sort_array(array(2, NULL, 1), false)", "array(2, 1, NULL)"),
    build=_sort,
)
define(
    "slice(values array, start int, length int) -> array",
    None,
    "So many elements from `start`, 1 or from the end.",
    ("slice(array(1, 2, 3), 2, 2)", "array(2, 3)"),
    build=_slice,
)
