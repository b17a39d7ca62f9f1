"""Digests, and bytes as text."""

from sightline.query.expressions.code import Code
from sightline.query.functions.registry import Call, define, family
from sightline.query.runtime import encodings
from sightline.query.types import BIGINT, BINARY, STRING

family("encoding")


def _hex(call: Call) -> Code:
    e, code = call.e, call.codes[0]
    if code.type.numeric:
        return e.call(encodings.hex_whole, STRING, e.cast(code, BIGINT))
    return e.call(encodings.hex_bytes, STRING, code if code.type == BINARY else e.cast(e.cast(code, STRING), BINARY))


def _decode(call: Call) -> Code:
    if len(call.codes) != 2:
        raise call.error("decode(bytes, charset) is supported, write CASE for the other form")
    return call.e.call(encodings.decode, STRING, *call.codes)


define(
    "md5(data binary) -> string",
    encodings.md5,
    "The MD5 digest in hexadecimal digits; of a STRING its UTF-8 bytes.",
    ("md5('a')", "'0cc175b9c0f1b6a831c399e269772661'"),
)
define(
    "sha1(data binary) -> string",
    encodings.sha1,
    "The SHA-1 digest in hexadecimal digits.",
    ("sha1('a')", "'86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'"),
    aliases=("sha",),
)
define(
    "sha2(data binary, bits int) -> string",
    encodings.sha2,
    "The SHA-2 digest of 224, 256 (or 0), 384 or 512 bits.",
    ("left(sha2('a', 256), 8)", "'ca978112'"),
    gives_null=True,
)
define("crc32(data binary) -> bigint", encodings.crc32, "The cyclic redundancy check.", ("crc32('a')", "3904355907L"))
define(
    "xxhash64(value any, ...) -> bigint",
    None,
    "The 64-bit xxHash of Spark, seed 42, of strings and whole numbers.",
    ("xxhash64('Spark')", "-4294468057691064905L"),
    build=lambda call: encodings_hash(call),
)
define("base64(data binary) -> string", encodings.base64_text, "In base 64.", ("base64('ab')", "'YWI='"))
define("unbase64(text string) -> binary", encodings.unbase64, "Bytes of base 64.", ("unbase64('YWI=')", "x'6162'"))
define(
    "hex(value any) -> string",
    None,
    "Hexadecimal digits of a number or of bytes.",
    ("hex(255)", "'FF'"),
    ("hex('ab')", "'6162'"),
    build=_hex,
)
define(
    "unhex(text string) -> binary",
    encodings.unhex,
    "Bytes of hexadecimal digits; NULL if it is anything else.",
    ("unhex('6162')", "x'6162'"),
    gives_null=True,
)
define(
    "encode(text string, charset string) -> binary",
    encodings.encode,
    "Bytes in UTF-8, US-ASCII, ISO-8859-1 or UTF-16.",
    ("encode('ñ', 'utf-8')", "x'c3b1'"),
)
define(
    "decode(data binary, charset string, ...) -> string",
    None,
    "Text of such bytes.",
    ("decode(x'c3b1', 'utf-8')", "'ñ'"),
    build=_decode,
)


def encodings_hash(call: Call) -> Code:
    e = call.e
    parts = []
    for code, node in zip(call.codes, call.arguments, strict=True):
        kind = code.type
        if kind == STRING:
            parts.append(e.use(encodings.hash_text) + f"({code.text}, ")
        elif kind.integral:
            wide = encodings.hash_long if kind == BIGINT else encodings.hash_int
            parts.append(e.use(wide) + f"({code.text}, ")
        else:
            raise e.error(f"xxhash64 of {str(kind).upper()} is not supported: write a CAST", node)
    return e.code("".join(reversed(parts)) + "42" + ")" * len(parts), BIGINT, False, *call.codes)
