"""Buckets shared by every latency histogram: from 0.5 ms, where an alert can be, to 30 s, where something is stuck."""

LATENCY_BUCKETS_S = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03,
    0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30,
)  # fmt: skip
