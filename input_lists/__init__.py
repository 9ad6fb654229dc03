"""Published lists of images, as rules in TOML files: ``python -m preprocess lists``."""
