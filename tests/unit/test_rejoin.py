"""Which fatal errors of a consumer a new one may mend."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from services.stream_joiner.rejoin import REJOIN_S_MAX, TRIES_MAX, Rejoin


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rejoin(clock: Clock) -> Rejoin:
    return Rejoin(clock)


FATAL = KafkaException(KafkaError(KafkaError._FATAL))


def test_one_without_a_loss_is_not_excused(rejoin: Rejoin) -> None:
    assert not rejoin.excuses(FATAL), "another instance has our name"


def test_one_shortly_after_a_loss_is(rejoin: Rejoin, clock: Clock) -> None:
    rejoin.lost()
    clock.now_s += REJOIN_S_MAX
    assert rejoin.excuses(FATAL)
    clock.now_s += 1
    assert not rejoin.excuses(FATAL)


def test_an_error_that_is_not_fatal_ends_the_service(rejoin: Rejoin) -> None:
    rejoin.lost()
    assert not rejoin.excuses(KafkaException(KafkaError(KafkaError._TRANSPORT)))


def test_new_consumers_that_do_not_join_either_are_given_up(rejoin: Rejoin) -> None:
    rejoin.lost()
    assert [rejoin.excuses(FATAL) for _ in range(TRIES_MAX + 1)] == [True] * TRIES_MAX + [False]
    rejoin.joined()
    assert rejoin.excuses(FATAL)
