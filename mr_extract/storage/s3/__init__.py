"""Objects of S3 and of services that speak its language: s3://BUCKET/KEY, s3a, s3n.

What stands behind the bucket is the key as it is, and not encoded: ``%``, ``#`` and ``?``
are parts of it.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.faults import retried
from mr_extract.storage.found import Found
from mr_extract.storage.s3.clients import WRITE_ATTEMPTS, client, refusals
from mr_extract.storage.transfer import Answer, collected, nothing

_PART = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def read(uri: str) -> bytes:
    """Return all bytes of an object, as `mr_extract.storage.read` does."""
    return collected(partial(_ask, _object(uri)))[0]


def read_range(uri: str, offset: int, size: int, version: str = "") -> tuple[bytes, str]:
    """Return a part of an object and its ETag, as `mr_extract.storage.read_range` does."""
    data, version = collected(partial(_ask, _object(uri)), offset, max(size, 1), version)
    return data[:size], version or stat(uri).version


def stat(uri: str) -> Found:
    """Return what is known of an object, as `mr_extract.storage.stat` does."""
    return retried(partial(_stat, uri), storage.access().fetch_budget)


def list_files(uri: str) -> Iterator[Found]:
    """Yield the objects below a prefix, as `mr_extract.storage.list_files` does.

    A prefix ends in a slash, whether it is written or not: ``s3://bucket/night1`` is the
    object of that name if there is one, and else what is below ``night1/``. Keys that end
    in a slash are no files.
    """
    place, bucket, prefix = _parts(uri)
    if prefix and not prefix.endswith("/"):
        try:
            yield stat(uri)
            return
        except ImageFailure as failure:
            if failure.kind != "fetch-not-found":
                raise
        prefix += "/"
    request, any_key = {"Bucket": bucket, "Prefix": prefix, **_payer()}, False
    while True:
        page = retried(partial(_page, request), storage.access().fetch_budget)
        for one in page.get("Contents", ()):
            any_key, key = True, one["Key"]
            if not key.endswith("/") and not _is_hidden(key[len(prefix):]):
                yield Found(f"{place}{key}", one["Size"], one["LastModified"].timestamp(),
                            one["ETag"])
        if not page.get("IsTruncated"):
            break
        request["ContinuationToken"] = page["NextContinuationToken"]
    if prefix and not any_key:
        raise ImageFailure("fetch-not-found", "no object has this name or is below it")


def region_of(bucket: str) -> str:
    """Return the region of a bucket; empty where it is not told.

    S3 tells it whoever asks, also where it then refuses; services of others may not.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client().head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    except BotoCoreError:
        return ""
    return answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(
        "x-amz-bucket-region", "")


def write(uri: str, source: BinaryIO, aside: str = "") -> None:
    """Write an object, as `mr_extract.storage.write` does; large ones in parts.

    There is none before it is whole, so that `aside` is not needed.
    """
    bucket, key = _object(uri)
    with refusals():
        client(WRITE_ATTEMPTS).upload_fileobj(_KeptOpen(source), bucket, key, ExtraArgs=_payer())


def make_folder(uri: str) -> None:
    """Do nothing: a key needs no folder."""


def remove_folder(uri: str) -> None:
    """Remove what is below a prefix, as `mr_extract.storage.remove_folder` does."""
    _, bucket, prefix = _parts(uri)
    prefix = prefix.rstrip("/") + "/"
    while True:
        page = retried(partial(_page, {"Bucket": bucket, "Prefix": prefix, **_payer()}),
                       storage.access().fetch_budget)
        keys = [one["Key"] for one in page.get("Contents", ())]
        for key in keys:
            with refusals():
                client().delete_object(Bucket=bucket, Key=key, **_payer())
        if not keys:
            return


class _KeptOpen:
    """A file that the upload may read, and not close: it is the caller's."""

    def __init__(self, file):
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def close(self):
        """Do nothing."""


def _parts(uri):
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}/", bucket, key


def _object(uri):
    _, bucket, key = _parts(uri)
    if not key:
        raise ImageFailure("fetch-not-a-file", "it is a bucket; an object is s3://BUCKET/KEY")
    return bucket, key


def _payer():
    return {"RequestPayer": "requester"} if storage.access().s3_requester_pays else {}


def _is_hidden(name):
    return any(part[:1] == "." for part in name.split("/"))


def _ask(place, offset, size, version):
    request = {"Bucket": place[0], "Key": place[1], **_payer()}
    if offset or size is not None:
        request["Range"] = f"bytes={offset}-{'' if size is None else offset + size - 1}"
    if version:
        request["IfMatch"] = version
    try:
        with refusals():
            response = client().get_object(**request)
    except ImageFailure as failure:
        if _status(failure) == 416:
            return nothing(offset, None, version)
        raise
    body = response["Body"]
    # botocore's read() waits until all has come that was asked for, though it be a byte a
    # minute; the stream below, which the body gives as a context, returns what is there.
    stream = body.__enter__()
    part = _PART.fullmatch(response.get("ContentRange") or "")
    start, end, total = 0, response.get("ContentLength"), response.get("ContentLength")
    if part:
        start, end, total = int(part[1]), int(part[2]) + 1, int(part[3])

    def take(most):
        with refusals():
            return stream.read1(most)

    return Answer(take, body.close, start, end, total, response.get("ETag", ""), True)


def _status(failure):
    answer = getattr(failure.__cause__, "response", {})
    return answer.get("ResponseMetadata", {}).get("HTTPStatusCode")


def _stat(uri):
    bucket, key = _object(uri)
    with refusals():
        facts = client().head_object(Bucket=bucket, Key=key, **_payer())
    return Found(uri, facts["ContentLength"], facts["LastModified"].timestamp(),
                 facts.get("ETag", ""))


def _page(request):
    with refusals():
        return client().list_objects_v2(**request)
