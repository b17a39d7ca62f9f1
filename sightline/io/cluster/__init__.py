"""A running release as `sightline.doctor` looks at it, read through Kubernetes' API server with the user's rights."""
