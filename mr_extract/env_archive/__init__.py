"""This Python and what mr_extract needs, as an archive that runs on nodes which have neither.

``python -m mr_extract.env_archive``, or ``--env-archive auto`` of a Hadoop job.
"""
