"""What a model can be asked for by name: one image in, one array of floats out."""

PREDICT = "predict"
"""The probability of each label. Every model has it: it is what `serving_default` returns."""

FEATURIZE = "featurize"
"""The network's feature vector: its last feature maps, averaged over the image."""

SERVING_DEFAULT = "serving_default"
"""TensorFlow Serving's name for what a model does when it isn't told."""

Shape = tuple[int | None, ...]
"""Of the output for one image, the batch's dimension left out; None: differs from image to image."""
