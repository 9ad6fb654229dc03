"""The driver's own work: every line known before, every line found after."""

import io
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import job

from mr_extract.jobs.driver import kept_lines, manifests, numbered
from mr_extract.jobs.driver.gather import gather
from mr_extract.jobs.driver.manifests import read_plan
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.shards import shards_of, write_shards
from mr_extract.jobs.extract import WORK
from mr_extract.jobs.skeleton.options import allowed
from mr_extract.settings.config import Config
from mr_extract.text.accounting import error_line, image_line
from mr_extract.text.catalog import read_catalog
from mr_extract.text.entry import Entry
from mr_extract.text.manifest import parse_line


def plan_of(*lines):
    plan = Plan()
    for line in lines:
        plan.add(parse_line(line.encode()))
    return plan


def test_shards_hold_every_image_once_and_are_balanced_by_bytes(tmp_path):
    sizes = [1 + (k * 7919) % 1000 for k in range(500)]
    plan = plan_of(*(f"image-{k}.fits\tbytes={size}" for k, size in enumerate(sizes)))
    shards = list(shards_of(plan, 8))
    loads = [sum(int(e.get("bytes")) for e in shard) for shard in shards]
    assert max(loads) <= 1.05 * sum(sizes) / 8
    assert sorted(e.uri for shard in shards for e in shard) == sorted(plan.entries)
    for shard in shards:  # the largest first, so that no long image is left for the end
        taken = [int(e.get("bytes")) for e in shard]
        assert taken == sorted(taken, reverse=True)
    assert len(list(shards_of(plan_of("a", "b"), 8))) == 2


def test_written_shards_name_absolute_paths_and_keep_the_ids(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = plan_of("night/a.fits\tfilter=r", "/abs/b.fits\text=SCI", "s3://bucket/c.fits")
    paths = write_shards(plan, 2, tmp_path / "shards")
    entries = [parse_line(line) for path in paths for line in open(path, "rb")]
    assert {e.id for e in entries} == {"night/a.fits", "/abs/b.fits[SCI]", "s3://bucket/c.fits"}
    uris = {e.uri for e in entries}
    assert uris == {f"{tmp_path}/night/a.fits", "/abs/b.fits", "s3://bucket/c.fits"}
    assert {e.carried for e in entries} == {(("filter", "r"),), ()}


def test_a_line_that_stands_twice_is_one_image_and_two_images_need_two_ids():
    plan = plan_of("a.fits", "a.fits\tbytes=7", "b.fits\tid=x", "c.fits\tid=x", "c.fits",
                   "d.fits\tfilter=g", "d.fits\tfilter=r", "e.fits", "e.fits\tmask=m")
    assert list(plan.entries) == ["a.fits", "c.fits"]
    assert {i: kind for i, (kind, _) in plan.refused.items()} == {
        "x": "duplicate-id", "d.fits": "duplicate-id", "e.fits": "duplicate-id"}
    assert len(plan) == 5


def test_a_manifest_is_read_from_files_and_from_standard_input(tmp_path):
    (tmp_path / "one.txt").write_bytes("\ufeffa.fits\r\n\n#c\nb.fits\text=1\n".encode())
    plan = read_plan([str(tmp_path / "one.txt"), "-", "x.FITS.gz"], io.BytesIO(b"c.fits"))
    assert list(plan.entries) == ["a.fits", "b.fits[1]", "c.fits", "x.FITS.gz"]
    with pytest.raises(ValueError, match="no-such-list"):
        read_plan([str(tmp_path / "no-such-list.txt")], None)


def gathered(text, plan, tmp_path, ordered=True):
    spool = tmp_path / "spool"
    spool.write_bytes(text)
    out = io.BytesIO()
    with open(spool, "rb") as file:
        totals = gather(file, plan, WORK, Config().updated(columns=("number",)), out, ordered)
    return out.getvalue().decode().split("\n", 3), totals


def block(image_id, sources):
    rows = "".join(f"{image_id}\t{k + 1}\n" for k in range(sources))
    return image_line(image_id, {"sources": sources}).encode() + rows.encode()


def test_blocks_come_out_in_the_order_of_ids_bytewise(tmp_path):
    plan = plan_of("b", "a b", "a", "Z", "\u00e9")
    text = b"".join(block(i, 2) for i in ("\u00e9", "b", "a b", "a", "Z"))
    (head, _, names, body), totals = gathered(text, plan, tmp_path)
    ids = [line.split("\t")[1] for line in body.splitlines() if line.startswith("#")]
    assert ids == ["Z", "a", "a b", "b", "\u00e9"]
    assert totals.measured == 5 and totals.rows == 10
    assert "images=5\tfailed=0\tsources=10" in head and names == "image\tnumber"


@pytest.mark.parametrize("damage", [
    lambda text: text[:-7],  # breaks off within a row
    lambda text: text.replace(b"b\t2\n", b""),  # a row is missing
    lambda text: text.replace(block("b", 3), b""),  # all of it is missing
])
def test_a_block_that_is_not_whole_counts_as_lost(damage, tmp_path):
    plan = plan_of("a", "b")
    (_, _, _, body), totals = gathered(damage(block("a", 2) + block("b", 3)), plan, tmp_path)
    assert body.splitlines()[:3] == block("a", 2).decode().splitlines()
    assert body.splitlines()[3].startswith("#error\tb\tlost\t")
    assert totals.measured == 1 and totals.failures == {"lost": 1}


def test_refused_lines_are_reported_beside_the_others(tmp_path):
    plan = plan_of("a", "b\tnonsense")
    (_, _, _, body), totals = gathered(block("a", 1), plan, tmp_path)
    assert totals.failures == {"malformed-line": 1} and "nonsense" in body


def test_an_image_nobody_asked_for_is_a_defect_not_a_row(tmp_path):
    with pytest.raises(RuntimeError, match="stranger, which was not asked for"):
        gathered(block("stranger", 1), plan_of("a"), tmp_path)


def test_of_a_failure_and_a_success_the_success_stands(tmp_path):
    failure = error_line("a", "fetch-failed", "for once").encode()
    for text in (failure + block("a", 2), block("a", 2) + failure):
        (_, _, _, body), _ = gathered(text, plan_of("a"), tmp_path)
        assert body.encode() == block("a", 2)


@pytest.mark.parametrize("limit, images, most", [
    ((0, False), 10, 0), ((3, False), 10, 3), ((10.0, True), 55, 5), ((100.0, True), 7, 7),
])
def test_allowed_failures(limit, images, most):
    assert allowed(limit, images) == most


def test_an_interrupted_manifest_is_resumed_by_what_is_not_accounted_for(night, tmp_path):
    lines = [line for line in (night / "manifest.txt").read_text().splitlines()
             if not line.startswith("#")]
    whole = job(stdin="\n".join(lines).encode())
    first = tmp_path / "first.tsv"
    job("--catalog", first, stdin="\n".join(lines[3:5]).encode())
    done = set(read_catalog(first).accounts)
    rest = [line for line in lines if Entry(line.split("\t")[0]).id not in done]
    assert len(rest) == 4
    second = job(stdin="\n".join(rest).encode())
    body = SimpleNamespace(first=first.read_bytes().split(b"\n", 3)[3], second=second.body)
    merged = blocks_of(body.first) + blocks_of(body.second)
    assert b"".join(sorted(merged, key=lambda b: b.split(b"\t")[1])) == whole.body


def blocks_of(body):
    blocks = []
    for line in body.splitlines(keepends=True):
        if line.startswith(b"#"):
            blocks.append(b"")
        blocks[-1] += line
    return blocks


def test_a_catalog_reads_back_as_it_was_measured(night, tmp_path):
    path = tmp_path / "catalog.tsv"
    job("--catalog", path, "--columns", "all", "--apertures", "4,8", night / "manifest.txt")
    catalog = read_catalog(path)
    assert len(catalog.accounts) == 6
    assert len(catalog.columns["x"]) == sum(a.rows for a in catalog.accounts.values()) > 100
    assert catalog.columns["flux_aper_2"].dtype == "f4" and catalog.columns["ra"].dtype == "f8"
    assert catalog.config["measurement"]["apertures"] == [4.0, 8.0]
    assert {"r"} == {a.values["filter"] for a in catalog.accounts.values()}


def test_bands_that_share_a_detection_image_go_to_one_task():
    plan = Plan()
    for field in range(6):
        for band in "ugriz":
            plan.add(parse_line(f"{band}{field}.fits\tdetect=chi{field}.fits\tbytes=100".encode()))
    homes = {}
    for number, shard in enumerate(shards_of(plan, 3)):
        assert len(shard) == 10
        for entry in shard:
            homes.setdefault(entry.get("detect"), set()).add(number)
    assert all(len(numbers) == 1 for numbers in homes.values()) and len(homes) == 6


def test_a_plan_and_its_gathering_hold_some_hundred_bytes_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_lines, "_HELD", 1 << 10)
    held = []
    for count in (1_000, 1_000, 9_000):  # the first imports what all need
        ids = [f"s3://an-archive/release-3/field-{k // 1000:05d}/frame-r-{k:08d}.fits"
               for k in range(count)]
        manifest, spool = tmp_path / "list.txt", tmp_path / "blocks"
        manifest.write_text("".join(f"{one}\tbytes={k}\tfilter=r\n" for k, one in enumerate(ids)))
        # A task's block at a time, none in the order of the list.
        spool.write_bytes(b"".join(block(one, 2) for one in reversed(ids)))
        tracemalloc.start()
        try:
            plan = read_plan([str(manifest)], None)
            with open(spool, "rb", buffering=0) as text, open(tmp_path / "catalog", "wb") as out:
                totals = gather(_InPieces(text), plan, WORK, Config(), out)
            held.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert totals.measured == count
    # At the peak, when tables have just grown.
    assert (held[2] - held[1]) / 8_000 < 130


def test_lines_in_batches_make_the_plan_that_each_by_itself_does(tmp_path, monkeypatch):
    monkeypatch.setattr(manifests, "_LINES_AT_ONCE", 3)
    rng = np.random.default_rng(1)
    fields = ["", "\tbytes=9", "\tbytes=8\tband=r", "\tband=g", "\text=2", "\tmask=m.fits",
              "\tid=a0", "\tregion=1:2", "\tband=\xe9"]
    lines = [f"a{rng.integers(40)}{fields[rng.integers(9) if k % 9 > 5 else rng.integers(4)]}"
             for k in range(120)] + ["", "# a comment"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    plan, one_by_one = read_plan([str(tmp_path / "list.txt")], None), Plan()
    for line in lines:
        if entry := parse_line(line.encode()):
            one_by_one.add(entry)

    def said(plan):
        return [(plan.lines[k], plan.refusal(k), plan.size(k), plan.parcels[k])
                for k in plan.in_order()]

    assert said(plan) == said(one_by_one)
    assert {kind for kind, _ in plan.refused.values()} == {"duplicate-id", "malformed-line"}


class _InPieces(io.BufferedReader):
    """A file that is read a little at a time: what is held of it is no part of the list."""

    def read1(self, size=-1):
        return super().read1(4096)


def test_lines_come_back_as_they_were_from_memory_and_from_the_file(monkeypatch):
    monkeypatch.setattr(kept_lines, "_HELD", 64)
    lines = kept_lines.KeptLines()
    entries = [
        parse_line(b"a.fits\tfilter=r\tnote=a=b"), parse_line("\u00e9.fits\tid=x".encode()),
        parse_line(b"b[1].fits[2]\tbytes=5"), parse_line(b"s3://k/c.fits"),
        parse_line(b"d\tnonsense\0\t\t"), parse_line(b"\xff.fits"),
        Entry("m.fits", (("ext", "1"),), "there is none", "no-extension"),
        Entry("b[plane=2]", (("ext", "3"),)),
    ]
    for entry in entries:
        lines.append(entry)
    assert [lines[k] for k in range(len(entries))] == entries


def test_texts_of_one_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr(numbered, "hash", len, raising=False)
    texts = [f"{'x' * (k % 7)}{k}" for k in range(300)]
    found = numbered.Numbered(texts.__getitem__)
    assert [found.add(text) for text in texts] == [(k, True) for k in range(300)]
    assert [found.add(text) for text in texts] == [(k, False) for k in range(300)]
    assert [found.find(text) for text in texts] == list(range(300))
    assert found.find("y" * 50) == -1 and len(found) == 300


def test_the_order_of_ids_does_not_depend_on_that_of_the_lines(tmp_path):
    names = ["b", "a b", "a", "ab", "Z", "\u00e9", "a.fits[2]", "a.fits"]
    for lines in (names, sorted(names), names[::-1]):
        plan = plan_of(*lines)
        assert [plan.lines[k].id for k in plan.in_order()] == sorted(
            (parse_line(name.encode()).id for name in names), key=str.encode)
