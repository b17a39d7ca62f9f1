"""A network as a SavedModel that both we and an unmodified TensorFlow Serving can serve.

Signatures: `serving_default` and `featurize` take `images`, uint8 [n, s, s, 3], decoded and cropped; `predict_jpeg`
takes `image_bytes`, string [n], encoded JPEG or PNG, and decodes, crops and resizes in the graph (the name's ending
makes TensorFlow Serving's REST interface accept base64). `featurize` returns `features`, float32 [n, feature length],
the others `probabilities`, float32 [n, classes].
"""

from pathlib import Path
from typing import Any

from sightline.models import quiet
from sightline.models.decode import CROP
from sightline.models.efficientnet_lite import MEAN, SCALE
from sightline.models.signatures import FEATURIZE, SERVING_DEFAULT


def save(network: Any, input_size: int, folder: Path) -> None:
    """Write `network`, a tf.Module from normalised pixels to logits by way of `features`, to `folder`."""
    tf = quiet.tensorflow()
    decoded_images = tf.TensorSpec([None, input_size, input_size, 3], tf.uint8, "images")

    def normalised(pixels: Any) -> Any:
        return (tf.cast(pixels, tf.float32) - MEAN) / SCALE

    def scored(pixels: Any) -> dict[str, Any]:
        return {"probabilities": tf.nn.softmax(network(normalised(pixels)))}

    def decoded(encoded: Any) -> Any:
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        shape = tf.shape(image)[:2]
        side = tf.maximum(1, tf.cast(tf.round(tf.cast(tf.reduce_min(shape), tf.float32) * CROP), tf.int32))
        corner = (shape - side) // 2
        square = tf.image.crop_to_bounding_box(image, corner[0], corner[1], side, side)
        square = tf.image.resize(square, [input_size, input_size], "bilinear", antialias=True)
        return tf.ensure_shape(tf.cast(tf.round(square), tf.uint8), [input_size, input_size, 3])

    @tf.function(input_signature=[decoded_images])  # type: ignore[untyped-decorator]
    def serving_default(images: Any) -> dict[str, Any]:
        return scored(images)

    @tf.function(input_signature=[decoded_images])  # type: ignore[untyped-decorator]
    def featurize(images: Any) -> dict[str, Any]:
        return {"features": network.features(normalised(images))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])  # type: ignore[untyped-decorator]
    def predict_jpeg(image_bytes: Any) -> dict[str, Any]:
        return scored(tf.map_fn(decoded, image_bytes, fn_output_signature=tf.uint8))

    signatures = {SERVING_DEFAULT: serving_default, FEATURIZE: featurize, "predict_jpeg": predict_jpeg}
    tf.saved_model.save(network, str(folder), signatures=signatures)
