"""Two processes on one machine against one."""

from bench.processes import job, module, run
from bench.report import Section, middle, ratio

QUIET = 0.04  # a run is kept when others used less of the machine
MOST_TRIES = 2


def measure(night, rounds, times=2):
    """Return the section on throughput; every frame stands `times` times in the manifest."""
    whole = night.manifest("whole.txt", night.entries, times)
    entries = night.entries
    halves = [night.manifest(f"half-{k}.txt", entries[k::2], times) for k in (0, 1)]
    outputs = [night.folder / f"two-{k}.tsv" for k in (0, 1)]

    def local(jobs, manifest):
        return run(job("-r", "local", f"--jobs={jobs}", "--quiet", manifest,
                       "--catalog", outputs[0]))

    def loops(*manifests):
        return run(*(module("bench.speed.loop", manifest, output, "default")
                     for manifest, output in zip(manifests, outputs)))

    contenders = {
        "loop": lambda: loops(whole),
        "loops": lambda: loops(*halves),
        "one": lambda: local(1, whole),
        "two": lambda: local(2, whole),
        "start of one": lambda: local(1, night.tiny),
        "start of two": lambda: local(2, night.tiny),
        "start of loop": lambda: loops(night.tiny),
        "start of loops": lambda: loops(night.tiny, night.tiny),
    }
    tries = {name: [] for name in contenders}
    for number in range(MOST_TRIES * rounds):
        for name, contender in contenders.items():
            tries[name].append(contender())
        quiet = sum(all(t[k].foreign < QUIET for name, t in tries.items() if "start" not in name)
                    for k in range(number + 1))
        if quiet >= rounds or (rounds == 1 and number == 0):
            break
    # Wall time is all there is to see here, so the rounds that were least disturbed count.
    order = sorted(range(len(tries["one"])), key=lambda k: sum(
        tries[name][k].foreign for name in ("loop", "loops", "one", "two")))[:rounds]
    wall = {name: middle([t[k].wall for k in order]) for name, t in tries.items()}
    disturbed = max(tries[n][k].foreign for n in ("loop", "loops", "one", "two") for k in order)
    section = Section(
        "Two processes",
        f"Wall time over {times * len(entries)} frames, alternating, medians of the "
        f"{len(order)} least disturbed of {len(tries['one'])} rounds: others used at most "
        f"{100 * disturbed:.0f} % of the machine in them. Two bare loops at once, each over "
        "half of the frames, show what the machine itself allows. The last column is CPU: "
        "what two processes take to do the work of one, which others disturb less.",
        ("", "one, s", "two, s", "throughput", "start-up, s", "throughput without start-up",
         "CPU, two to one"),
    )
    for title, one, two, start in (
        ("bare loops", "loop", "loops", ("start of loop", "start of loops")),
        ("`-r local --jobs`", "one", "two", ("start of one", "start of two")),
    ):
        gain = middle([tries[one][k].wall / tries[two][k].wall for k in order])
        net, net_text = ratio([wall[one] - wall[start[0]]], [wall[two] - wall[start[1]]])
        section.add(title, f"{wall[one]:.2f}", f"{wall[two]:.2f}", f"{gain:.2f}",
                    f"{wall[start[0]]:.2f} / {wall[start[1]]:.2f}", net_text.split()[0],
                    f"{middle([tries[two][k].cpu / tries[one][k].cpu for k in order]):.2f}")
        name = "two loops" if one == "loop" else "two jobs"
        section.note(name, gain)
        section.note(f"{name}, without start-up", net)
    section.ratios["two jobs of what the machine allows"] = (
        section.ratios["two jobs"] / section.ratios["two loops"]
    )
    return section
