"""The model held against jobs that were run."""

from dataclasses import replace
from statistics import median

from bench.figures import MEANINGS
from bench.prediction import predict
from bench.simulation import Cluster
from bench.tables import Section

_CPU = [name for name in MEANINGS if name not in ("command_cpu", "master_cpu")]


def checked(told):
    """Return the section that holds the model against jobs that were run.

    What two processes of `-r local` take longer than they should says how much of the
    machine others had; all CPU of the prediction is stretched by that.
    """
    section = Section(
        "Held against jobs",
        "Jobs on a Hadoop of one machine, two NodeManagers of one map task each, seconds; each "
        "beside `-r local --jobs 2` over the same images. What `-r local` took beyond its "
        "prediction says how much of the machine others had, and all CPU in the prediction of "
        "the job is stretched by that; waits are not.",
        ("images", "`-r local`, s", "predicted", "stretch", "`-r hadoop`, s", "predicted",
         "measured to predicted"),
    )
    ratios = []
    for trial in told.trials:
        images = trial["images"]
        # The driver starts in about the time of a task.
        local = 2 * told.task_start + -(-images // 2) * told.task_image
        stretch = max(1.0, trial["local"] / local)
        slow = stretched(told.quiet(), stretch)
        run = predict(slow, images, Cluster(2, 1, heartbeat=0.25, asks=0.25, master=False),
                      trial["tasks"], 1, merged=True)
        ratios.append(trial["wall"] / run.time)
        section.add(images, f"{trial['local']:.1f}", f"{local:.1f}", f"{stretch:.2f}",
                    f"{trial['wall']:.1f}", f"{run.time:.1f}", f"{ratios[-1]:.2f}")
    section.note("measured to predicted", median(ratios))
    return section


def stretched(told, factor):
    """Return figures of a machine of which others take a part."""
    return replace(told, **{name: factor * getattr(told, name) for name in _CPU})
