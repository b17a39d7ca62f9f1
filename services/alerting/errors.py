"""What can end one membership of the consumer group, split by what helps.

SessionLostError   another instance may own our partitions: drop what is in hand, join anew, read the memory again
FatalError         Kafka refuses this instance for good, such as when another one has its name: end the process
"""

from sightline.errors import SightlineError


class SessionLostError(SightlineError):
    """This instance can't be sure any more that it alone alerts for its partitions."""


class FatalError(SightlineError):
    """Kafka does not want this instance, and asking again would not change it."""
