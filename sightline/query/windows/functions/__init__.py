"""The aggregate functions of Spark 4.1 with ANSI on, one class each, as pieces of an accumulator list.

A function owns the slots from `at` on. Its state is such that partial states can be merged in any order and grouping
with the same result. NULLs never reach `update`; a function that saw no value gives NULL, a count 0.

Differences from Spark, both where Spark's own result depends on the order of rows:
- An overflow is judged on the whole sum, not on the sums on the way.
- Doubles are summed exactly and rounded once. Spark rounds at each addition, in avg of integers also: there it equals
  this until the sum passes 2^53, and is off by at most one part in 2^53 for each row after that.
"""
