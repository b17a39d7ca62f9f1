"""Where two engines differ."""

import numpy as np
import pytest

from sightline.models.agreement import agreement


def scores(*rows: list[float]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.array(rows, np.float32)


@pytest.mark.parametrize(
    ("reference", "other", "top1", "differ"),
    [
        pytest.param([0.9, 0.1], [0.9, 0.1], 1, 0, id="equal"),
        pytest.param([0.6, 0.4], [0.4, 0.6], 0, 1, id="another class, both above"),
        pytest.param([0.6, 0.4], [0.49, 0.51], 0, 1, id="another class, just above"),
        pytest.param([0.55, 0.45, 0], [0.45, 0.40, 0.15], 1, 1, id="same class, across the threshold"),
        pytest.param([0.45, 0.40, 0.15], [0.40, 0.45, 0.15], 0, 0, id="another class, both below: no rule sees it"),
        pytest.param([0.95, 0.05], [0.6, 0.4], 1, 0, id="same class, far apart, both above"),
    ],
)
def test_differs_where_a_rule_would_decide_otherwise(
    reference: list[float], other: list[float], top1: float, differ: float
) -> None:
    compared = agreement(scores(reference), scores(other), [0.5])
    assert (compared.top1, compared.differ_at_threshold) == (top1, {"0.5": differ})


def test_score_difference_is_of_the_reference_class() -> None:
    compared = agreement(scores([0.6, 0.4], [0.6, 0.4]), scores([0.4, 0.6], [0.6, 0.4]))
    assert compared.score_difference_p50 == pytest.approx(0.1) and compared.photographs == 2
