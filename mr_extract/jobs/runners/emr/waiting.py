"""Waiting for what a cluster does, and where EMR tells why it did not."""

from __future__ import annotations

import time
from collections.abc import Callable

from mrjob.emr import EMRJobRunner
from mrjob.logs.step import _parse_step_syslog
from mrjob.step import StepFailedException

from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.runners.emr import logs
from mr_extract.jobs.runners.emr.refusals import with_advice

ENDED = ("TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS")
_LOGS_WITHIN = 720.0  # seconds: EMR brings them every five minutes, and when a cluster ends
_SILENCE = 300.0  # seconds without a word while a cluster costs money


class Waiting(EMRJobRunner):
    """mrjob's runner, that waits for logs no longer than it must, and tells what they say.

    Attributes
    ----------
    max_hours : float or None
        After which the cluster ends, with what its tasks have done.
    say : callable
        Takes a line for the user.
    logs_within : float
        Seconds that are waited for logs.
    """

    max_hours: float | None = None
    say: Callable[[str], object] = staticmethod(complain)
    logs_within = _LOGS_WITHIN

    _why, _started = "", 0.0

    def _wait_for_step_to_complete(self, step_id, step_num=None):
        self._log_interpretations.append({"step_id": step_id})
        client, last, said_at = self.make_emr_client(), "", time.monotonic()
        while True:
            time.sleep(self._opts["check_cluster_every"])
            step = client.describe_step(ClusterId=self._cluster_id, StepId=step_id)["Step"]
            cluster = self._describe_cluster()
            state = step["Status"]["State"]
            over = cluster["Status"]["State"] in ENDED[1:]  # its steps may not know it
            if over or state not in ("PENDING", "RUNNING"):
                break
            words = f"cluster {cluster['Status']['State'].lower()}, job {state.lower()}"
            if words != last or time.monotonic() - said_at > _SILENCE:
                last, said_at = words, time.monotonic()
                self.say(f"{words}, {(said_at - self._started) / 60:.0f} minutes")
            if self.max_hours and time.monotonic() - self._started > 3600 * self.max_hours:
                self._why = f"it took longer than the {self.max_hours:g} hours of --max-hours"
                if not self._created_cluster:  # ours ends as a whole
                    client.cancel_steps(ClusterId=self._cluster_id, StepIds=[step_id],
                                        StepCancellationOption="TERMINATE_PROCESS")
                raise StepFailedException
            if state == "RUNNING":
                self._release_cluster_lock()
        if state != "COMPLETED":
            if cluster["Status"]["State"] in ENDED:
                self._check_for_pooled_cluster_self_termination(cluster, step)
            self._why = self._reason(cluster, step)
            raise StepFailedException

    def _reason(self, cluster, step):
        """Return why a step did not end well, from where EMR tells it."""
        change = cluster["Status"].get("StateChangeReason", {})
        folder, name = self._s3_log_dir(), f"cluster {self._cluster_id}"
        ended = cluster["Status"]["State"] in ENDED and change.get("Code") != "STEP_FAILURE"
        if ended and (message := change.get("Message", "")):
            log = folder and logs.bootstrap_log(folder, message)
            words = log and self._soon(lambda: logs.last_words(logs.read_log(log)))
            told = with_advice(message) if words is None else f"{message}: {words or 'no reason'}"
            return f"{name}: {told}" + (f"; its log: {log}" if log else "")
        failure = step["Status"].get("FailureDetails", {})
        told = ": ".join(filter(None, (failure.get("Reason"), failure.get("Message"))))
        if folder:
            self._end_own_cluster()  # its logs come when it has ended
            told = self._soon(lambda: logs.cause_of_step(folder, step["Id"])) or told
        told = told or step["Status"].get("StateChangeReason", {}).get("Message", "")
        state = step["Status"]["State"].lower()
        return (f"{name}, step {step['Id']} {state}: {told or 'its logs do not tell why'}; "
                f"its logs: {folder}")

    def _soon(self, ask):
        """Return what a log tells, waiting until it is there; empty when it does not come."""
        deadline = time.monotonic() + self.logs_within
        while not (found := ask()) and time.monotonic() < deadline:
            time.sleep(self._opts["check_cluster_every"])
        return found

    def _end_own_cluster(self):
        if self._created_cluster and not self._opts["pool_clusters"]:
            self.make_emr_client().terminate_job_flows(JobFlowIds=[self._cluster_id])

    def read_counters(self) -> dict[str, dict[str, int]]:
        """Return the counters of a job that ended well, which EMR tells in its log alone.

        Raises
        ------
        OSError
            When the log has not come.
        """
        self._end_own_cluster()
        log = logs.syslog_of(self._s3_log_dir(), self._step_ids[-1])
        self.say("waiting for the log with the job's counters, which takes minutes")
        found = self._soon(
            lambda: _parse_step_syslog(logs.read_log(log).splitlines(True)).get("counters"))
        if not found:
            raise OSError(f"{log} has not come, and without its counters nobody knows whether "
                          f"the parts in {self._output_dir} are complete")
        return found

