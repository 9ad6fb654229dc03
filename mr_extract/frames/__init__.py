"""Kernels that take a whole image: its sources, its check images, its quality."""
