"""docs/sql.md lists the functions that there are."""

from pathlib import Path

from sightline.query.functions.docs import renewed


def test_the_list_of_functions_is_fresh(root: Path) -> None:
    document = (root / "docs/sql.md").read_text()
    assert document == renewed(document), "run: python -m sightline.query.functions.docs docs/sql.md"
