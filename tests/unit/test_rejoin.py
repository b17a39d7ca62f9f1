"""A consumer that lost its group gives up only while Kafka answers and the group does not come back."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from services.stream_joiner.rejoin import ASK_S, REJOIN_S_MAX, TRIES_MAX, GroupLostError, Rejoin


class Kafka:
    """Answers or not; time passes by the second."""

    def __init__(self) -> None:
        self.now_s, self.answers, self.asked = 100.0, True, 0
        self.rejoin = Rejoin(self.ask, lambda: self.now_s)

    def ask(self) -> None:
        self.asked += 1
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    def passes(self, seconds: float) -> None:
        for _ in range(round(seconds / ASK_S)):
            self.now_s += ASK_S
            self.rejoin.check()


def test_a_member_asks_nothing() -> None:
    kafka = Kafka()
    kafka.passes(10 * REJOIN_S_MAX)
    assert kafka.asked == 0


def test_a_group_that_does_not_come_back_is_an_error() -> None:
    kafka = Kafka()
    kafka.rejoin.lost()
    kafka.passes(REJOIN_S_MAX)
    with pytest.raises(GroupLostError, match="no partitions"):
        kafka.passes(2 * ASK_S)


def test_one_that_comes_back_is_none() -> None:
    kafka = Kafka()
    kafka.rejoin.lost()
    kafka.passes(REJOIN_S_MAX)
    kafka.rejoin.joined()
    kafka.passes(10 * REJOIN_S_MAX)


def test_time_in_which_kafka_is_away_does_not_count() -> None:
    kafka = Kafka()
    kafka.rejoin.lost()
    for _ in range(5):
        kafka.answers = False
        kafka.passes(REJOIN_S_MAX)
        kafka.answers = True
        kafka.passes(REJOIN_S_MAX - ASK_S)
    kafka.answers = False
    kafka.passes(10 * REJOIN_S_MAX)


def fatal() -> KafkaException:
    return KafkaException(KafkaError(KafkaError._FATAL))


def test_a_fatal_error_is_excused_only_shortly_after_a_loss() -> None:
    kafka = Kafka()
    assert not kafka.rejoin.excuses(fatal()), "another instance has our name"
    kafka.rejoin.lost()
    assert not kafka.rejoin.excuses(KafkaException(KafkaError(KafkaError._TRANSPORT)))
    assert kafka.rejoin.excuses(fatal())
    kafka.rejoin.joined()
    kafka.now_s += REJOIN_S_MAX
    assert not kafka.rejoin.excuses(fatal())


def test_new_consumers_that_do_not_join_either_are_given_up() -> None:
    kafka = Kafka()
    kafka.rejoin.lost()
    lost = GroupLostError("no partitions")
    assert [kafka.rejoin.excuses(lost) for _ in range(TRIES_MAX + 1)] == [True] * TRIES_MAX + [False]
    kafka.rejoin.joined()
    assert kafka.rejoin.excuses(lost)
