"""How remote places are reached: none of it changes what a catalog says."""

from collections.abc import Iterator
from dataclasses import Field, dataclass, fields

from mr_extract.settings.declaring import Section, not_negative, positive, setting


@dataclass(frozen=True)
class Access(Section):
    """Time limits, and whom S3 takes us for."""

    fetch_timeout: float = setting(
        30.0, "seconds without an answer or a byte after which a connection is given up", positive
    )
    fetch_budget: float = setting(
        120.0, "seconds in which a fetch that fails is tried again; 0: once only", not_negative
    )
    s3_endpoint_url: str = setting(
        "", "S3 service other than that of AWS, as AWS_ENDPOINT_URL_S3 names it"
    )
    s3_profile: str = setting("", "profile of the AWS configuration, which may assume a role")
    s3_anonymous: bool = setting(False, "read public buckets without credentials")
    s3_requester_pays: bool = setting(False, "pay for what is read from buckets that ask for it")


def access_settings() -> Iterator[Field]:
    """Yield the dataclass field of every setting."""
    yield from fields(Access)
