"""The Python that runs and what mr_extract needs, as an archive for nodes that have neither.

``python -m mr_extract.env_archive``, or ``--env-archive auto`` of a Hadoop job.
"""
