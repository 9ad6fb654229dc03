"""Hadoop where there is none: daemons from plain jars, on one machine or inside a batch job.

The package mr_extract does not need it.
"""
