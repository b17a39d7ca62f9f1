"""The topics that the release wants, against those that are there."""

from collections.abc import Iterator

from sightline.doctor.findings import Finding, Severity
from sightline.doctor.snapshot import Release

CHECK = "topics"
SAME_SIZE = ("matches", "alerts")


def check(release: Release) -> Iterator[Finding]:
    there = release.topics_there
    if there is None:
        return
    for topic in release.topics:
        size = there.get(topic.name)
        if size is None:
            todo = "helm upgrade runs the job that makes it; with external Kafka: sightline topics --file"
            yield Finding(Severity.BROKEN, CHECK, topic.name, "the topic does not exist", todo)
        elif size < topic.partitions:
            what = f"has {size} partitions, the values want {topic.partitions}"
            yield Finding(Severity.WARNING, CHECK, topic.name, what, "helm upgrade; see docs/operations.md, Partitions")
        elif size > topic.partitions:
            what = f"has {size} partitions, the values say {topic.partitions}"
            todo = "set topics in the values: a topic can't shrink"
            yield Finding(Severity.NOTE, CHECK, topic.name, what, todo)
    sizes = {name: there[name] for name in SAME_SIZE if name in there}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{name} {size}" for name, size in sizes.items())
        todo = "give both the larger number: partition i of matches alerts on partition i of alerts"
        yield Finding(Severity.BROKEN, CHECK, ", ".join(sizes), f"partitions differ: {said}", todo)
