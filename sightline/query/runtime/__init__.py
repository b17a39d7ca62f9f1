"""What generated source calls where Python's own operator is not Spark's. Values as in `sightline.query.types`.

numbers.py   whole and floating-point arithmetic      decimals.py   DECIMAL arithmetic and rounding
casts.py     casts between numbers and strings        text.py       numbers as Java writes them, LIKE, patterns
times.py     dates and timestamps, and their casts    patterns.py   date patterns as Java has them
rows.py      structs
"""
