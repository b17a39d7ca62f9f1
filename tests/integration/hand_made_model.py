"""A SavedModel that no exporter of ours made, small enough to check by head."""

from pathlib import Path
from typing import Any

from sightline.models import quiet

SIZE = 8


def make_by_hand(folder: Path) -> None:
    """`norms` is L1 and L2 of each channel, [2, 3]. Four more signatures aren't one image in, one row of floats out."""
    tf = quiet.tensorflow()
    images = tf.TensorSpec([None, SIZE, SIZE, 3], tf.uint8, "pictures")

    def signature(function: Any, taken: Any = images) -> Any:
        return tf.function(function, input_signature=[taken])

    def light(x: Any) -> Any:
        return tf.reduce_mean(tf.cast(x, tf.float32), [1, 2, 3]) / 255

    def norms(x: Any) -> Any:
        x = tf.reshape(tf.cast(x, tf.float32), [-1, SIZE * SIZE, 3])
        return {"norms": tf.stack([tf.norm(x, 1, axis=1), tf.norm(x, 2, axis=1)], axis=1)}

    signatures = {
        "serving_default": signature(lambda pictures: {"scores": tf.stack([1 - light(pictures), light(pictures)], 1)}),
        "norms": signature(lambda pictures: norms(pictures)),
        "light": signature(lambda pictures: {"light": light(pictures)}),
        "two_outputs": signature(lambda pictures: {"light": light(pictures), "dark": 1 - light(pictures)}),
        "of_the_batch": signature(lambda pictures: {"mean": tf.reduce_mean(light(pictures))}),
        "whole_numbers": signature(lambda pictures: {"argmax": tf.argmax(light(pictures)[:, None], axis=1)}),
        "of_text": signature(
            lambda text: {"length": tf.cast(tf.strings.length(text), tf.float32)}, tf.TensorSpec([None], tf.string)
        ),
    }
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)
    (folder / "labels.txt").write_text("dark\nlight\n")


def make_litert_by_hand(folder: Path, saved_model: Path) -> None:
    """The same with two of its signatures, each a graph of its own as the converter makes them."""
    converter = quiet.tensorflow().lite.TFLiteConverter.from_saved_model(
        str(saved_model), signature_keys=["norms", "serving_default"]
    )
    with quiet.native_chatter_removed():
        (folder / "model.tflite").write_bytes(converter.convert())
    (folder / "labels.txt").write_text("dark\nlight\n")
