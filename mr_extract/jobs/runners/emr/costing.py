"""What the machines of a runner of EMR cost: told before they start, and when they have been."""

from __future__ import annotations

import time
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from mrjob.bin import MRJobBinRunner
from mrjob.emr import EMRJobRunner

from mr_extract.jobs.runners.emr.consent import ask
from mr_extract.jobs.runners.emr.machines import Group, as_text, dollars_of, groups_of
from mr_extract.jobs.runners.emr.prices import read_prices

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan
    from mr_extract.jobs.runners.emr.estimate import Estimate
    from mr_extract.jobs.runners.emr.prices import Prices


class Costing(EMRJobRunner):
    """mrjob's runner, that knows what it costs.

    Attributes
    ----------
    launched : float
        By the monotonic clock, when the cluster was asked for.
    """

    launched = 0.0
    _estimate: Estimate | None = None
    _prices: Prices | None = None

    @property
    def groups(self) -> list[Group]:
        """The machines of a cluster that this starts."""
        plain = [Group(role, (self._instance_type(role),), self._num_instances(role),
                       bool(bid := self._instance_bid_price(role)), dollars_of(bid))
                 for role in ("MASTER", "CORE", "TASK")]
        return groups_of(plain, self._opts["instance_groups"], self._opts["instance_fleets"])

    @property
    def asks_plainly(self) -> bool:
        """Whether numbers of machines are options of their own."""
        return not (self._opts["instance_groups"] or self._opts["instance_fleets"])

    @property
    def region(self) -> str:
        """Where the cluster is."""
        return self._opts["region"]

    @property
    def starts_a_cluster(self) -> bool:
        """Whether one may be started: none is where one is named."""
        return not self._opts["cluster_id"]

    def ask_before(self, plan: Plan, options: Namespace, merged: bool) -> None:
        """Tell what a cluster would take and cost, and return when that is agreed to.

        Parameters
        ----------
        plan : mr_extract.jobs.driver.plan.Plan
        options : argparse.Namespace
        merged : bool
            One catalog is made by the driver.

        Raises
        ------
        ValueError
            When nobody agrees, or what it costs is not known.
        """
        from mr_extract.jobs.runners.emr.reckoning import reckoned  # with numpy

        self._prices = read_prices().with_given(options.price or ())
        self._estimate, words = reckoned(
            plan, self.groups, self.region, self._prices, by=options.estimate_by,
            task=[self._script_path, "--step-num=0", "--mapper",
                  *MRJobBinRunner._mr_job_extra_args(self, local=True)],
            properties=options.jobconf or {}, merged=merged)
        ask(words, options.yes, options.quiet)

    def ask_before_launch(self, is_agreed: bool) -> None:
        """Tell what a cluster costs in an hour, and return when that is agreed to.

        Raises
        ------
        ValueError
            When nobody agrees, or what it costs is not known.
        """
        from mr_extract.jobs.runners.emr.estimate import an_hour

        prices = read_prices()
        low, high = an_hour(self.groups, prices)
        hour = f"${low:.2f}" if low == high else f"${low:.2f} to ${high:.2f}"
        ask(f"{as_text(self.groups)} in {self.region}: {hour} an hour, whatever it does; "
            f"{prices.told(self.region)}", is_agreed)

    def expense(self) -> dict[str, Any] | None:
        """Return the estimate and what came of it, for a summary; None without a cluster."""
        from mr_extract.jobs.runners.emr.estimate import an_hour
        from mr_extract.jobs.runners.emr.telling import as_facts

        if not (self._estimate and self._prices and self._created_cluster):
            return None
        hours = (time.monotonic() - self.launched) / 3600
        return {"estimate": as_facts(self._estimate),
                "actual": {"hours": round(hours, 4),
                           "dollars": [round(hours * value, 4)
                                       for value in an_hour(self.groups, self._prices)]}}
