"""What a Hadoop job tells while it runs, for a person who waits."""

import re
from collections.abc import Iterable, Iterator

from mr_extract.jobs.driver.following import Follower
from mr_extract.jobs.runners.hadoop.rest import JobTold
from mr_extract.jobs.task.environment import advice

_LOGGED = re.compile(r"\d\d[\d/-]+[ T]\d\d:\d\d:\d\d\S* (?:\w+ )?\S+: ")
_JOB = re.compile(r"Submitting tokens for job: (job_\d+_\d+)")
_TRACKED = re.compile(r"The url to track the job: (http\S+)")
_FAILED = re.compile(r"Task Id *: (attempt_\w+), Status *: FAILED")
_PERCENT = re.compile(r"map +(\d+)% +reduce +(\d+)%")
_ENDED = re.compile(r"(Job job_\d+_\d+ (?:failed|was killed).*)|Error Launching job : (.*)")
_STATUS = re.compile(r"subprocess failed with code (\d+)")
_CAUSE = re.compile(r"^(?:Error|Caused by): (.+)", re.MULTILINE)
_MOST_ATTEMPTS = 10  # that are told of one by one


class Watch(Follower):
    """Read what the command ``hadoop jar`` says, ask for counters, and tell the user.

    Where the counters of the running job are closed to us, Hadoop's percentages have to do.

    Parameters
    ----------
    images : int
        Images to be done.
    rows : str
        What is counted besides.
    quiet : bool
        Follow the job and tell nothing.

    Attributes
    ----------
    job : str or None
        Hadoop's name of the job, from just before it is submitted.
    """

    def __init__(self, images: int, rows: str = "sources", quiet: bool = False) -> None:
        super().__init__(images, rows, quiet)
        self.job: str | None = None
        self._told: JobTold | None = None
        self._percent, self._why, self._words = "", "", ""
        self._attempt: str | None = None
        self._trace: list[str] = []
        self._attempts = 0

    def through(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines of ``hadoop jar`` (bytes), having read them."""
        for line in lines:
            self._take(line.decode(errors="replace").rstrip())
            yield line
        self._attempt_is_told()

    def ending(self) -> str:
        """Say why the job failed, and where more is to be read."""
        why = self._why or "the command `hadoop jar` failed"
        if self._words:
            why = f"{why}: {self._words}"
        if not self.job:
            return why
        application = self.job.replace("job", "application", 1)
        return f"{why}; its logs: yarn logs -applicationId {application}"

    def _take(self, line):
        if _LOGGED.match(line):
            self._attempt_is_told()
        if found := _JOB.search(line):
            self.job = found[1]
        elif found := _TRACKED.search(line):
            self._told = JobTold(found[1], self.job)
            self._say(f"Hadoop has the job: {found[1]}")
        elif found := _PERCENT.search(line):
            self._percent = f"map {found[1]} %, reduce {found[2]} %"
        elif found := _FAILED.search(line):
            self._attempts += 1
            self._attempt, self._trace, words = found[1], [], ""
            if self._told and self._attempts <= _MOST_ATTEMPTS:
                words = self._told.last_words(self._attempt)  # while its node remembers it
            self._words = words or self._words
        elif found := _ENDED.search(line):
            self._why = found[1] or found[2]
        elif self._attempt:
            self._trace.append(line)

    def _attempt_is_told(self):
        """Tell of an attempt that failed, when the lines that say why are all read."""
        if self._attempt and self._attempts <= _MOST_ATTEMPTS:
            cause = root_cause("\n".join(self._trace))
            status = _STATUS.search(cause)
            if lacking := advice(cause) or advice(self._words):
                cause = self._words = lacking
            elif status and self._words:
                cause = f"status {status[1]}: {self._words}"
            self._say(f"{self._attempt} failed and may be tried again: {cause}")
        self._attempt = None

    def far(self) -> tuple[int, int, int, str]:
        """Return what Hadoop's counters tell of images and rows, and its percentages."""
        groups = self._told.counters() if self._told else {}
        images, rows = groups.get("images", {}), groups.get("rows", {})
        return (sum(images.values()), images.get("failed", 0), rows.get("measured", 0),
                self._percent)


def root_cause(text: str) -> str:
    """Return what is at the bottom of a Java stack trace, in one line."""
    causes = _CAUSE.findall(text)
    if not causes:
        return next(iter(text.strip().splitlines()), "no reason given")
    last = causes.pop()
    while causes and last.rpartition("Exception: ")[2] in causes[-1]:
        last = causes.pop()  # the same, and what it was about
    return last
