"""A real single-node Apache Kafka (KRaft) for the demo, the tests and the benchmarks."""

from tools.kafka.broker import LONE, Broker, Lock

__all__ = ["LONE", "Broker", "Lock"]
