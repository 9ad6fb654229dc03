"""mrjob's inline runner, with one task for all lines."""

import sys

from mrjob.inline import InlineMRJobRunner


class InlineRunner(InlineMRJobRunner):
    """Run all in this process, one image after the other."""

    def _pick_mapper_split_size(self, input_paths, step_num):
        # mrjob's own has two tasks for each core: what is fetched ahead would stop between them.
        return sys.maxsize
