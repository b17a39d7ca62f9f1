"""docs/sql.md: what the language is, and the list of functions from the registry.

`python -m sightline.query.functions.docs docs/sql.md` writes the list anew, between its two marks.
"""

import sys
from pathlib import Path

from sightline.query.functions import FUNCTIONS, load

BEGIN, END = "<!-- functions: begin -->", "<!-- functions: end -->"


def function_list() -> str:
    """Markdown: a table a family; a function's aliases stand beside it."""
    load()
    families: dict[str, list[str]] = {}
    for function in FUNCTIONS.values():
        lines = families.setdefault(function.family, [])
        examples = "<br>".join(f"`{call}` → `{result}`" for call, result in function.examples)
        lines.append(
            "| " + " | ".join(_cell(each) for each in (f"`{function.signature}`", function.doc, examples)) + " |"
        )
    parts = []
    for family, lines in families.items():
        parts += [f"### {family[0].upper()}{family[1:]}", "", "| Function | | Examples |", "|---|---|---|", *lines, ""]
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def renewed(document: str) -> str:
    """`document` with the present list between its marks."""
    before, rest = document.split(BEGIN)
    return f"{before}{BEGIN}\n\n{function_list()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text()))
