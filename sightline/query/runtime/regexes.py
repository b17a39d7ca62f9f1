"""Functions of regular expressions; the patterns are Java's, see `text.compile_regex`."""

import re

from sightline.query.errors import EvalError, shown
from sightline.query.runtime.text import regex

_REFERENCE = re.compile(r"\\(.)|\$(\d)|([\\$])", re.DOTALL)


def _group(found: re.Pattern[str], group: int) -> int:
    if not 0 <= group <= found.groups:
        raise EvalError(f"[INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX] group {group}; the pattern has {found.groups}")
    return group


def regexp_extract(text: str, pattern: str, group: int = 1) -> str:
    compiled = regex(pattern)
    match = compiled.search(text)
    if match is None:
        return ""
    return match.group(_group(compiled, group)) or ""


def regexp_extract_all(text: str, pattern: str, group: int = 1) -> list[str]:
    compiled = regex(pattern)
    return [match.group(_group(compiled, group)) or "" for match in compiled.finditer(text)]


def regexp_substr(text: str, pattern: str) -> str | None:
    match = regex(pattern).search(text)
    # Nothing matched and '' matched are the same to Spark.
    return (match.group() if match else None) or None


def regexp_count(text: str, pattern: str) -> int:
    return sum(1 for _ in regex(pattern).finditer(text))


def regexp_instr(text: str, pattern: str) -> int:
    match = regex(pattern).search(text)
    return match.start() + 1 if match else 0


def template(replacement: str) -> str:
    """Java's replacement as Python's."""

    def part(match: re.Match[str]) -> str:
        escaped, group, bare = match.groups()
        if bare is not None:
            raise EvalError(f"[INVALID_PARAMETER_VALUE] {shown(replacement)}: write \\{bare} for {bare}")
        if group is not None:
            return rf"\g<{group}>"
        return "\\\\" if escaped == "\\" else escaped

    if re.search(r"\$\d\d|\$\{", replacement):
        raise EvalError(f"[INVALID_PARAMETER_VALUE] {shown(replacement)}: groups are $0 to $9")
    return _REFERENCE.sub(part, replacement)


def regexp_replace(text: str, pattern: str, replacement: str) -> str:
    compiled = regex(pattern)
    if compiled.search(text) is None:
        return text
    wanted = template(replacement)
    try:
        return compiled.sub(wanted, text)
    except (re.error, IndexError) as error:
        raise EvalError(f"[INVALID_PARAMETER_VALUE] {shown(replacement)}: {error}") from None


def split(text: str, pattern: str, limit: int = -1) -> list[str]:
    if pattern == "":
        pieces = list(text) or [""]
        return pieces if limit <= 0 or len(pieces) <= limit else [*pieces[: limit - 1], "".join(pieces[limit - 1 :])]
    pieces, at = list[str](), 0
    for match in regex(pattern).finditer(text):
        if limit > 0 and len(pieces) == limit - 1:
            break
        if match.end() == 0 or (match.start() == match.end() == len(text)):
            continue
        pieces.append(text[at : match.start()])
        at = match.end()
    return [*pieces, text[at:]]
