"""The model held against jobs that were run."""

from dataclasses import replace
from statistics import median

from bench.report import Section
from mr_extract.jobs.model.prediction import predict, predict_on_spark
from mr_extract.jobs.model.simulation import Cluster

SLOTS = 2  # cores of the machine, and map tasks at once
_SIDE_BY_SIDE = ("image", "task_start", "container_start")
_ALONE = ("submit", "master", "finish", "plan_line", "gather", "stream_megabyte", "reduce",
          "reduce_start")


def checked(told):
    """Return the section that holds the model against jobs that were run."""
    section = Section(
        "Held against jobs",
        "Jobs on a Hadoop of one machine, two NodeManagers of one map task each, seconds; before "
        "and after each `-r local --jobs 2` over the same images. What `-r local` took beyond "
        "its prediction tells how many processes others ran, were the cores shared fairly. The CPU "
        "in the prediction of the job is stretched by that: map tasks, two at once, as "
        "`-r local`, and by less what runs alone. The start and the end of the predicted job are "
        "the least of these and like runs, so the test is what lies between: `tasks`.",
        ("images", "`-r local`, s", "predicted", "stretch", "alone", "`-r hadoop`, s",
         "predicted", "tasks, s", "predicted", "tasks, measured to predicted"),
    )
    ratios = []
    for trial in told.trials:
        images = trial["images"]
        # The driver starts in about the time of a task.
        local = 2 * told.task_start + -(-images // SLOTS) * told.task_image
        two = stretch_of(told, trial)
        others = SLOTS * (two - 1)
        one = max(1.0, (1 + others) / SLOTS)
        run = predict(stretched(told, two, one), images,
                      Cluster(SLOTS, 1, heartbeat=0.25, asks=0.25, master=False),
                      trial["tasks"], 1, merged=True)
        tasks = trial["wall"] - sum(trial[part] for part in ("submit", "master", "finish"))
        ratios.append(tasks / run.maps)
        section.add(images, f"{trial['local']:.1f}", f"{local:.1f}", f"{two:.2f}", f"{one:.2f}",
                    f"{trial['wall']:.1f}", f"{run.time:.1f}", f"{tasks:.1f}", f"{run.maps:.1f}",
                    f"{ratios[-1]:.2f}")
    section.note("tasks, measured to predicted", median(ratios))
    return section


def beside_loop(told):
    """Return the section of what jobs cost beyond a bare loop, in seconds and in CPU."""
    section = Section(
        "Beside the bare loop",
        "The same jobs. `first container` is the time from the command until it starts, "
        "`first image` with what Java, Python and an image take behind it. `an image` is "
        "the CPU of all containers, less that of a job over images of a few pixels, and its ratio "
        "to a warm process that reads, measures and formats it. `throughput` is that of `-r local "
        "--jobs 2`: images by the seconds from the first container to the end of the last, less "
        "those of the job over images of a few pixels, to images by the seconds of `-r local`, "
        "less its start.",
        ("images", "first container, s", "first image, s", "an image, ms", "to the bare loop",
         "throughput to `-r local`"),
    )
    for trial in told.trials:
        first = trial["submit"] + trial["master"]
        image = (trial["cpu"] - trial["started"]) / trial["images"]
        tasks = trial["wall"] - first - trial["finish"] - trial["waited"]
        section.add(trial["images"], f"{first:.1f}", f"{first + told.start + told.task_image:.1f}",
                    f"{1000 * image:.1f}", f"{image / told.kernel:.2f}",
                    f"{(trial['local'] - 2 * told.task_start) / tasks:.2f}")
    return section


def spark_beside_loop(told):
    """Return the section of jobs on Spark beside what the model says of them."""
    section = Section(
        "Spark beside the bare loop",
        "Jobs on a standalone Spark of one machine, two executors of one task each. `first image` "
        "is the time from the command until it is done. `predicted` is the model, its CPU "
        "stretched as above. `an image`, its ratio to the bare loop and `throughput` are "
        "those of the table above. The last column: images by the second of two executors to "
        "those of one, both while tasks run.",
        ("images", "`-r local`, s", "stretch", "`-r spark`, s", "tasks, s", "predicted",
         "tasks, measured to predicted", "first image, s", "an image, ms", "to the bare loop",
         "throughput to `-r local`", "two executors to one"),
    )
    spark, ratios = told.spark, []
    for trial in spark.trials:
        images = trial["images"]
        two = stretch_of(told, trial)
        slower = replace(told, spark=replace(
            spark, image=two * spark.image, task=two * spark.task, python=two * spark.python))
        run = predict_on_spark(slower, images, Cluster(SLOTS, 1), trial["tasks"])
        tasks = trial["wall"] - trial["start"] - trial["finish"]
        image = (trial["cpu"] - trial["started"]) / images
        ratios.append(tasks / run.maps)
        section.add(images, f"{trial['local']:.1f}", f"{two:.2f}", f"{trial['wall']:.1f}",
                    f"{tasks:.1f}", f"{run.maps:.1f}", f"{ratios[-1]:.2f}",
                    f"{trial['start'] + spark.python + spark.task + spark.image:.1f}",
                    f"{1000 * image:.1f}", f"{image / told.kernel:.2f}",
                    f"{(trial['local'] - 2 * told.task_start) / (tasks - trial['waited']):.2f}",
                    f"{(trial['alone'] - trial['waited']) / (tasks - trial['waited']):.2f}")
    section.note("Spark, tasks, measured to predicted", median(ratios))
    return section


def stretch_of(told, trial):
    """Return how many times longer than alone two processes at once took, by `-r local`."""
    # The driver starts in about the time of a task.
    local = 2 * told.task_start + -(-trial["images"] // SLOTS) * told.task_image
    return max(1.0, trial["local"] / local)


def stretched(told, two, one):
    """Return figures of a machine of which others take a part.

    Parameters
    ----------
    told : mr_extract.jobs.model.figures.Figures
    two, one : float
        How many times longer two processes at once take, and one alone.
    """
    factors = {**dict.fromkeys(_SIDE_BY_SIDE, two), **dict.fromkeys(_ALONE, one)}
    return replace(told, **{name: factor * getattr(told, name)
                            for name, factor in factors.items()})
