"""The jitter is real and repeatable."""

from sightline.models import photographs
from sightline.models.decode import BadImage, decode


def test_same_seed_same_bytes_and_no_two_alike() -> None:
    source = photographs.labelled()[:2]
    first, again = ([data for _, data in photographs.jittered(source, 6, seed=4)] for _ in range(2))
    assert first == again and len(set(first)) == 6
    assert first != [data for _, data in photographs.jittered(source, 6, seed=5)]
    assert not any(isinstance(decode(data, 128), BadImage) for data in first)


def test_calibration_and_comparison_share_no_photograph() -> None:
    names = {photograph.name for photograph in photographs.labelled()}
    assert not names & {photograph.name for photograph in photographs.unlabelled()}
