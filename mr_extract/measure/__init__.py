"""Kernels that measure detected objects.

They take a plane without background or its surroundings, and sep's objects
(0-based pixels, `theta` in radians), and return columns as named in
`mr_extract.columns.table`. Formulae are SExtractor's (Bertin & Arnouts 1996, and its
manual) unless they say otherwise.
"""
