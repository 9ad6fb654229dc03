"""Places of images to manifests: sub-command ``manifest``."""
