"""Detections on the sphere to objects: arrays in, arrays out."""
