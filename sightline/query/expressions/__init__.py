"""SQL expressions as Python source, with Spark's three-valued logic: NULL is None. See docs/sql.md.

compiler.py    the entry: one node → Code; NULL guards, run-time helpers, constant folding
coercion.py    which type two types meet in, and which a function's argument is turned into
then one file a family: columns, literals, comparison, logic, arithmetic, decimals, intervals, casts, conditional,
access
"""

from sightline.query.expressions.code import Code, ErrorAt
from sightline.query.expressions.compiler import Expressions

__all__ = ["Code", "ErrorAt", "Expressions"]
