"""What the pages say in numbers, measured: ``python -m bench --list``.

In `speed` what an image and a manifest cost, in `accuracy` how close the numbers are, in
`clusters` jobs on Hadoop, those that something happens to and those that are too large to run
here. What they share lies beside them: the frames of a night, the running of processes, SExtractor,
the machine, the sections of a page, and the list of what is made.
"""
