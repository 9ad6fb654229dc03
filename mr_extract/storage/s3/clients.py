"""The S3 client of a process, and what S3 says when it refuses."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage import connections
from mr_extract.storage.faults import Passing

if TYPE_CHECKING:
    from botocore.client import BaseClient

CONNECTIONS = 32
WRITE_ATTEMPTS = 5  # of each part, by botocore
_CREDENTIALS = "; aws configure, a profile (--s3-profile), a role, or --s3-anonymous yes for a " \
               "public bucket"
# S3's own words for what an HTTP status alone does not tell, with what to do.
_FORBIDDEN = {
    "AccessDenied": "access denied; may these credentials read it? Some buckets want "
                    "--s3-requester-pays yes, public ones --s3-anonymous yes",
    "ExpiredToken": "the credentials have expired; renew them",
    "InvalidAccessKeyId": "S3 does not know these credentials" + _CREDENTIALS,
    "InvalidToken": "S3 does not know this session token; renew the credentials",
    "SignatureDoesNotMatch": "the secret key is not that of the access key",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "InvalidObjectState": "the object is archived; restore it first",
}
_NOT_FOUND = {
    "NoSuchKey": "the bucket has no such key", "NoSuchBucket": "there is no such bucket",
}
_THROTTLED = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded",
              "TooManyRequestsException", "TooManyRequests"}
_PASSING = {"InternalError", "RequestTimeout", "OperationAborted"}
_clients: dict[tuple, BaseClient] = {}
_lock = threading.Lock()


def client(attempts: int = 1) -> BaseClient:
    """Return the client for the present settings; of this process, shared by its threads.

    Parameters
    ----------
    attempts : int
        How often botocore tries; once where we do it.
    """
    key = os.getpid(), storage.access(), attempts
    with _lock:
        if key not in _clients:
            with refusals():
                _clients[key] = _made(storage.access(), attempts)
        return _clients[key]


def _made(access, attempts):
    import boto3  # takes as long to import as numpy
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        signature_version=UNSIGNED if access.s3_anonymous else None,
        connect_timeout=access.fetch_timeout, read_timeout=access.fetch_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=CONNECTIONS, tcp_keepalive=True,
        # They double the CPU time of a read; and S3 services of others than AWS refuse
        # writes that have them.
        response_checksum_validation="when_required",
        request_checksum_calculation="when_required",
    )
    session = boto3.Session(profile_name=access.s3_profile or None)
    return session.client("s3", endpoint_url=access.s3_endpoint_url or None, config=config)


@contextmanager
def refusals() -> Iterator[None]:
    """Give names to what botocore and the connection raise.

    Raises
    ------
    Passing, ImageFailure
        Without botocore's words, in which keys and hosts may stand.
    """
    try:
        yield
    except HTTPError as error:
        raise connections.named(error) from error
    except Exception as error:
        named = _named(error)
        if named is None:
            raise
        raise named from error


def _named(error):
    """Return what to raise for an exception of botocore's, or None for one of others."""
    from botocore import exceptions as of
    from botocore.parsers import ResponseParserError

    if isinstance(error, of.ClientError):
        return _of_answer(error.response)
    if isinstance(error, of.ProfileNotFound):
        return ImageFailure("fetch-forbidden", "the AWS configuration has no such profile")
    if isinstance(error, (of.NoCredentialsError, of.PartialCredentialsError)):
        return ImageFailure("fetch-forbidden", "no credentials" + _CREDENTIALS)
    if isinstance(error, (of.CredentialRetrievalError, of.TokenRetrievalError, of.SSOError,
                          of.RefreshWithMFAUnsupportedError)):
        return ImageFailure("fetch-forbidden", "the credentials cannot be had; renew them")
    if isinstance(error, of.ParamValidationError):
        return ImageFailure("fetch-not-found", "no bucket or key can have this name")
    if isinstance(error, (of.ConnectionError, of.HTTPClientError)):
        inner = error.kwargs.get("error")
        return connections.named(inner) if isinstance(inner, HTTPError) else Passing(
            "fetch-failed", f"the connection broke: {type(inner).__name__}")
    if isinstance(error, ResponseParserError):
        return Passing("fetch-failed", "what the server answers is not S3's language")
    if isinstance(error, of.BotoCoreError):
        return ImageFailure("fetch-failed", f"botocore: {type(error).__name__}")
    if isinstance(error, ValueError) and "endpoint" in str(error).lower():
        return ImageFailure("fetch-failed", "the URL of the S3 service makes no sense; see "
                                            "--s3-endpoint-url and AWS_ENDPOINT_URL_S3")
    return None


def _of_answer(response):
    code = str(response.get("Error", {}).get("Code", ""))
    facts = response.get("ResponseMetadata", {})
    status, headers = facts.get("HTTPStatusCode", 0), facts.get("HTTPHeaders", {})
    if code == "403":  # an answer to HEAD has no words
        code = "AccessDenied"
    if code in _FORBIDDEN:
        return ImageFailure("fetch-forbidden", _FORBIDDEN[code])
    if code in _NOT_FOUND:
        return ImageFailure("fetch-not-found", _NOT_FOUND[code])
    if status == 412:
        return ImageFailure("fetch-changed", "the object changed while it was read")
    kind = "fetch-throttled" if code in _THROTTLED else "fetch-failed" if code in _PASSING else ""
    return connections.of_status(status, headers, "" if code.isdecimal() else code, kind)
