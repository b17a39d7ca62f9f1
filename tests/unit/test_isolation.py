"""A simulated server that dies of marked jobs: exactly those are found, and every other one is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.isolation import Suspects


def serve(suspects: Suspects[int], poison: set[int]) -> tuple[set[int], set[int], int]:
    """Try groups until none is left. Returns the answered, the guilty, and how often the server died."""
    answered: set[int] = set()
    guilty: set[int] = set()
    deaths = 0
    while suspects:
        assert suspects.waiting
        group = suspects.begin_trial()
        assert not suspects.waiting
        if poison & set(group):
            deaths += 1
            guilty |= set(suspects.died())
        else:
            answered |= set(group)
            suspects.survived()
    return answered, guilty, deaths


@given(st.integers(1, 60), st.sets(st.integers(0, 59), max_size=4))
def test_exactly_the_poison_is_found(size: int, marked: set[int]) -> None:
    jobs, poison = set(range(size)), {each for each in marked if each < size}
    suspects: Suspects[int] = Suspects()
    suspects.add(sorted(jobs))
    answered, guilty, _ = serve(suspects, poison)
    assert (answered, guilty) == (jobs - poison, poison)


@pytest.mark.parametrize(("attempts_max", "deaths"), [(1, 1), (2, 1), (3, 2)])
def test_an_image_alone_is_given_all_its_attempts(attempts_max: int, deaths: int) -> None:
    suspects: Suspects[int] = Suspects(attempts_max)
    suspects.add([7])  # it was alone in the call that died: the first attempt
    assert serve(suspects, {7}) == (set(), {7}, deaths)


def test_a_server_that_is_killed_from_outside_convicts_nobody() -> None:
    suspects: Suspects[int] = Suspects()
    suspects.add([1])
    suspects.begin_trial()
    assert suspects.died() == []
    assert serve(suspects, set()) == ({1}, set(), 0)
