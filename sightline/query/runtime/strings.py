"""Functions of text. `str` counts code points, as Spark does."""

from itertools import groupby

from sightline.query.errors import EvalError

TEXT_CHARACTERS_MAX = 16_000_000
"""Longer results of repeat, lpad and the like are refused."""


def _bounded(length: int) -> None:
    if length > TEXT_CHARACTERS_MAX:
        raise EvalError(f"[COLLECTION_SIZE_LIMIT_EXCEEDED] {length} characters; {TEXT_CHARACTERS_MAX} are allowed")


def _countable(place: int) -> None:
    if place == -(2**31):
        raise EvalError(f"[ARITHMETIC_OVERFLOW] {place} has no positive INT beside it")


def lower(text: str) -> str:
    return text.lower()


def initcap(text: str) -> str:
    words = text.lower().split(" ")
    return " ".join(each[:1].title() + each[1:] for each in words)


def octet_length(text: str) -> int:
    return len(text.encode())


def bit_length(text: str) -> int:
    return 8 * len(text.encode())


def concat_ws(separator: str | None, *parts: str | list[str | None] | None) -> str | None:
    if separator is None:
        return None
    texts = list[str]()
    for each in parts:
        if isinstance(each, str):
            texts.append(each)
        elif each is not None:
            texts.extend(element for element in each if element is not None)
    return separator.join(texts)


def trim(text: str, characters: str = " ") -> str:
    return text.strip(characters) if characters else text


def ltrim(text: str, characters: str = " ") -> str:
    return text.lstrip(characters) if characters else text


def rtrim(text: str, characters: str = " ") -> str:
    return text.rstrip(characters) if characters else text


def substring(text: str, start: int, length: int = 2**31 - 1) -> str:
    """Also of bytes."""
    first = start - 1 if start > 0 else len(text) + start if start < 0 else 0
    end = first + length
    return text[max(first, 0) : max(end, 0)]


def left(text: str, length: int) -> str:
    return text[: max(length, 0)]


def right(text: str, length: int) -> str:
    return text[-length:] if length > 0 else text[:0]


def substring_index(text: str, delimiter: str, count: int) -> str:
    if not delimiter or count == 0:
        return ""
    _countable(count)
    parts = text.split(delimiter) if count > 0 else _rsplit(text, delimiter)
    return delimiter.join(parts[:count] if count > 0 else parts[count:])


def _rsplit(text: str, delimiter: str) -> list[str]:
    return text.rsplit(delimiter)


def split_part(text: str, delimiter: str, part: int) -> str:
    if part == 0:
        raise EvalError("[INVALID_INDEX_OF_ZERO] parts count from 1")
    _countable(part)
    parts = text.split(delimiter) if delimiter else [text]
    at = part - 1 if part > 0 else len(parts) + part
    return parts[at] if 0 <= at < len(parts) else ""


def replace(text: str, search: str, replacement: str = "") -> str:
    return text.replace(search, replacement) if search else text


def translate(text: str, before: str, after: str) -> str:
    table: dict[int, str | None] = {}
    for index, each in enumerate(before):
        table.setdefault(ord(each), after[index] if index < len(after) else None)
    return text.translate(table)


def overlay(text: str, replacement: str, start: int, length: int = -1) -> str:
    covered = length if length >= 0 else len(replacement)
    # 32 bits, as in Java.
    rest = (start + covered + 2**31) % 2**32 - 2**31
    before = (start - 1 + 2**31) % 2**32 - 2**31
    return substring(text, 1, before) + replacement + substring(text, rest)


def lpad(text: str, length: int, pad: str = " ") -> str:
    return _padding(len(text), length, pad) + text[: max(length, 0)]


def rpad(text: str, length: int, pad: str = " ") -> str:
    return text[: max(length, 0)] + _padding(len(text), length, pad)


def _padding(have: int, length: int, pad: str) -> str:
    _bounded(length)
    missing = length - have
    return (pad * (missing // len(pad) + 1))[:missing] if missing > 0 and pad else ""


def repeat(text: str, times: int) -> str:
    _bounded(len(text) * max(times, 0))
    return text * times


def space(length: int) -> str:
    return repeat(" ", length)


def reverse(text: str) -> str:
    return text[::-1]


def instr(text: str, search: str) -> int:
    return text.find(search) + 1


def locate(search: str, text: str, start: int = 1) -> int:
    if start <= 0:
        return 0
    return text.find(search, start - 1) + 1 if search else 1


def startswith(text: str, prefix: str) -> bool:
    return text.startswith(prefix)


def endswith(text: str, suffix: str) -> bool:
    return text.endswith(suffix)


def contains(text: str, search: str) -> bool:
    return search in text


def find_in_set(text: str, words: str) -> int:
    parts = words.split(",")
    return parts.index(text) + 1 if "," not in text and text in parts else 0


def first_code(text: str) -> int:
    return ord(text[0]) if text else 0


def chr_latin(code: int) -> str:
    return "" if code < 0 else chr(code & 0xFF)


def levenshtein(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


_CODES = {
    letter: code for code, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for letter in letters
}


def soundex(text: str) -> str:
    """`text` itself if it does not begin with an English letter. H and W do not part equal codes, vowels do."""
    if not text or not ("A" <= text[0].upper() <= "Z") or not text[0].isascii():
        return text
    letters = list(text.upper())
    codes = [_CODES.get(each, 0) for each in letters if each not in "HW"]
    merged = [code for code, _ in groupby(codes)]
    first = letters[0]
    rest = merged[1:] if first not in "HW" else merged
    return (first + "".join(str(each) for each in rest if each))[:4].ljust(4, "0")
