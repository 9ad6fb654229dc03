"""Simulated survey frames, with the truth beside them: sub-command ``simulate``."""
