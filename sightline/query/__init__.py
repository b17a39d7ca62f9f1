"""SQL to a compiled closure, with no I/O: pipeline file → syntax tree → plan → two Python functions.

pipeline.py     the YAML file
dialect.py      Spark SQL's syntax, and where in the file a piece of it stands
schema.py       relations, columns and their types
plan.py         what runs when: predicates as early as their columns allow, the model last
expressions.py  one SQL expression as Python source
compiler.py     the plan as `prepare` (before the model) and `finish` (after it)
tables.py       the rows of a table, kept current from its records
"""
