"""How far two engines of one network differ, where it matters: at the thresholds of rules."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.models.manifest import Agreement

Scores = NDArray[np.float32]

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def agreement(reference: Scores, other: Scores, thresholds: Sequence[float] = THRESHOLDS) -> Agreement:
    """Compare two arrays of probabilities, [images, classes], row by row."""
    rows = np.arange(len(reference))
    best, best_other = reference.argmax(axis=1), other.argmax(axis=1)
    difference = np.abs(reference[rows, best] - other[rows, best])
    lengths = np.linalg.norm(reference, axis=1) * np.linalg.norm(other, axis=1)

    def differ(threshold: float) -> float:
        # A rule sees the best class if its score reaches the threshold, else nothing (-1).
        decided = np.where(reference[rows, best] >= threshold, best, -1)
        decided_other = np.where(other[rows, best_other] >= threshold, best_other, -1)
        return round(float(np.mean(decided != decided_other)), 4)

    return Agreement(
        photographs=len(reference),
        top1=round(float(np.mean(best == best_other)), 4),
        cosine_mean=round(float(np.mean((reference * other).sum(axis=1) / lengths)), 4),
        score_difference_p50=round(float(np.quantile(difference, 0.5)), 4),
        score_difference_p95=round(float(np.quantile(difference, 0.95)), 4),
        differ_at_threshold={f"{threshold:.1f}": differ(threshold) for threshold in thresholds},
    )
