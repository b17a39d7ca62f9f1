"""The lease: a process that stood still may not go on."""

import pytest

from services.alerting.errors import SessionLostError
from services.alerting.lease import GAP_SHARE, POLL_S_MAX, PRODUCER_SHARE, Lease


def test_a_gap_ends_the_session() -> None:
    now_s = 0.0
    lease = Lease(6_000, lambda: now_s)
    for now_s in (0.1, 2.0, 3.9):  # noqa: B007  the clock reads it
        lease.beat()
    now_s = 6.4
    with pytest.raises(SessionLostError, match=r"stood still for 2\.5 s, allowed are 2\.0 s"):
        lease.beat()


def test_whatever_we_send_is_sent_within_the_session() -> None:
    """Also with the smallest session time-out that settings allow, polling is no gap."""
    assert GAP_SHARE + PRODUCER_SHARE < 1
    assert GAP_SHARE * 1.0 > 2 * POLL_S_MAX
