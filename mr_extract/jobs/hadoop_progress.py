"""What a Hadoop job tells while it runs, for a person who waits."""

import logging
import re
import sys
import threading
from time import monotonic

from mr_extract.jobs.gather import complain
from mr_extract.jobs.hadoop_rest import JobTold
from mr_extract.jobs.progress import Bar

_JOB = re.compile(r"Submitting tokens for job: (job_\d+_\d+)")
_TRACKED = re.compile(r"The url to track the job: (http\S+)")
_FAILED = re.compile(r"Task Id *: (attempt_\w+), Status *: FAILED\n?(.*)", re.DOTALL)
_PERCENT = re.compile(r"map +(\d+)% +reduce +(\d+)%")
_ENDED = re.compile(r"Job job_\d+_\d+ (?:failed|was killed)")
_STATUS = re.compile(r"subprocess failed with code (\d+)")
_CAUSE = re.compile(r"^(?:Error|Caused by): (.+)", re.MULTILINE)
_LOOK, _SAY = 3.0, 30.0  # seconds
_MOST_ATTEMPTS = 10  # that are told of one by one


class Watch(logging.Filter):
    """Read what the command ``hadoop jar`` says, ask for counters, and tell the user.

    Where the counters of the running job are closed to us, Hadoop's percentages have to do.

    Parameters
    ----------
    images : int
        Images to be done.
    quiet : bool
        Follow the job and tell nothing.

    Attributes
    ----------
    job : str or None
        Hadoop's name of the job, from just before it is submitted.
    """

    LOGGER = "mrjob.logs.step"  # where mrjob repeats what Hadoop says

    def __init__(self, images, quiet=False):
        super().__init__()
        self._images, self._quiet = images, quiet
        self.job, self._told, self._percent, self._why, self._words = None, None, "", "", ""
        self._attempts, self._last, self._said_at, self._bar = 0, "", monotonic(), None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self):
        logger = logging.getLogger(self.LOGGER)
        self._level, self._verbose = logger.level, logger.isEnabledFor(logging.INFO)
        logger.setLevel(logging.INFO)
        logger.addFilter(self)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        if self._bar:
            self._bar.close()
        logger = logging.getLogger(self.LOGGER)
        logger.removeFilter(self)
        logger.setLevel(self._level)

    def filter(self, record):
        """Take in a message, and pass on what the user should see of it as it is."""
        text = record.getMessage().strip()
        if found := _JOB.match(text):
            self.job = found[1]
        elif found := _TRACKED.match(text):
            self._told = JobTold(found[1], self.job)
            self._say(f"Hadoop has the job: {found[1]}")
        elif found := _PERCENT.match(text):
            self._percent = f"map {found[1]} %, reduce {found[2]} %"
        elif found := _FAILED.match(text):
            self._attempt_failed(found[1], found[2].strip())
        elif _ENDED.match(text):
            self._why = text.splitlines()[0]
        elif text == "Job not successful!":
            return self._verbose  # the reason was told before
        elif record.levelno >= logging.ERROR and not self._why:
            self._why = text.splitlines()[0]
        return record.levelno >= logging.WARNING or self._verbose

    def ending(self):
        """Say why the job failed, and where more is to be read."""
        why = self._why or "the command `hadoop jar` failed"
        if self._words:
            why = f"{why}: {self._words}"
        if not self.job:
            return why
        application = self.job.replace("job", "application", 1)
        return f"{why}; its logs: yarn logs -applicationId {application}"

    def _attempt_failed(self, attempt, why):
        self._attempts += 1
        if self._attempts > _MOST_ATTEMPTS:
            return
        cause = root_cause(why)
        status = _STATUS.search(cause)
        if status and self._told and (words := self._told.last_words(attempt)):
            self._words = words
            cause = f"status {status[1]}: {words}"
        self._say(f"{attempt} failed and may be tried again: {cause}")

    def _follow(self):
        while not self._over.wait(_LOOK):
            on_terminal = sys.stderr.isatty() and not self._quiet
            if not on_terminal and monotonic() - self._said_at < _SAY:
                continue
            groups = self._told.counters() if self._told else {}
            images, sources = groups.get("images", {}), groups.get("sources", {})
            done, failed = sum(images.values()), images.get("failed", 0)
            if on_terminal:
                self._bar = self._bar or Bar(self._images, sys.stderr)
                self._bar.show(done, sources.get("measured", 0), failed, self._percent)
                continue
            text = self._percent
            if images:
                text = (f"{done} of {self._images} images, {sources.get('measured', 0)} sources, "
                        f"{failed} failed; {self._percent}")
            if text and text != self._last:
                self._last, self._said_at = text, monotonic()
                self._say(text)

    def _say(self, text):
        if self._quiet:
            return
        if self._bar:
            self._bar.clear()
        complain(text)


def root_cause(text):
    """Return what is at the bottom of a Java stack trace, in one line."""
    causes = _CAUSE.findall(text)
    if not causes:
        return next(iter(text.strip().splitlines()), "no reason given")
    last = causes.pop()
    while causes and last.rpartition("Exception: ")[2] in causes[-1]:
        last = causes.pop()  # the same, and what it was about
    return last
