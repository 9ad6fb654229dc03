"""What AWS says when it refuses, in words that tell what to do."""

from __future__ import annotations

from botocore import exceptions as of

#: By the codes of AWS's services.
_OF_CODE = {
    "AccessDenied": "these credentials may not do it; emr/README.md lists what a user needs",
    "AccessDeniedException": "these credentials may not do it; emr/README.md lists what a user "
                             "needs",
    "UnauthorizedOperation": "these credentials may not do it; emr/README.md lists what a user "
                             "needs",
    "AuthFailure": "AWS does not know these credentials",
    "InvalidClientTokenId": "AWS does not know these credentials",
    "UnrecognizedClientException": "AWS does not know these credentials",
    "InvalidSignatureException": "the secret key is not that of the access key",
    "SignatureDoesNotMatch": "the secret key is not that of the access key",
    "ExpiredToken": "the credentials have expired; renew them",
    "ExpiredTokenException": "the credentials have expired; renew them",
    "NoSuchBucket": "there is no such bucket; --cloud-tmp-dir and the outputs need one of yours",
    "NoSuchEntity": "there is no such role; `aws emr create-default-roles` makes EMR's own",
    "ThrottlingException": "AWS is asked too often by this account; try again in a minute",
    "Throttling": "AWS is asked too often by this account; try again in a minute",
}
#: By words of what EMR says of a cluster that did not start or did not last.
_OF_REASON = {
    "is invalid": "the role is not there: `aws emr create-default-roles`, or name yours with "
                  "iam_instance_profile and iam_service_role",
    "capacity": "there are no such machines left in this zone: take other instance types or "
                "zones (instance_fleets), or on-demand in place of spot",
    "SPOT": "spot machines were not to be had or were taken back: more types, or on-demand",
    "VCPU": "the account's quota of vCPUs is too small: fewer instances, or ask AWS for more",
    "LimitExceeded": "the account's quota of instances is too small: fewer, or ask AWS for more",
    "exceeded quota": "the account's quota is too small: fewer instances, or ask AWS for more",
    "validation error": "what mrjob.conf asks for is not to be had in this region",
}


def explained(error: BaseException) -> str:
    """Return one line of what went wrong between here and AWS, and the next step.

    Parameters
    ----------
    error : exception
        Of botocore or boto3. Of its words only those are used in which no key can stand.
    """
    if isinstance(error, (of.NoCredentialsError, of.PartialCredentialsError)):
        return ("no AWS credentials: `aws configure`, AWS_PROFILE, or the environment variables "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if isinstance(error, of.NoRegionError):
        return NO_REGION
    if isinstance(error, of.ProfileNotFound):
        return "the AWS configuration has no profile of the name that AWS_PROFILE says"
    if isinstance(error, (of.EndpointConnectionError, of.ConnectTimeoutError)):
        return ("AWS cannot be reached from here (no network, a proxy, or a region that is not "
                f"there): {error.kwargs.get('endpoint_url', '')}").rstrip(": ")
    if isinstance(error, of.ClientError):
        told = error.response.get("Error", {})
        code, message = str(told.get("Code", "")), str(told.get("Message", ""))
        if code in ("403", "404"):  # an answer to HEAD has no words
            code = {"403": "AccessDenied", "404": "NoSuchBucket"}[code]
        if advice := _OF_CODE.get(code) or with_advice(message, only=True):
            return f"AWS refuses {error.operation_name} ({code}): {advice}"
        return f"AWS refuses {error.operation_name} ({code}): {message}"
    if isinstance(error, of.BotoCoreError):
        return f"AWS: {type(error).__name__}: {error}"
    inner = error.__cause__ or error.__context__
    return explained(inner) if isinstance(inner, (of.ClientError, of.BotoCoreError)) else str(error)


NO_REGION = "no AWS region: --region, region in mrjob.conf, or AWS_DEFAULT_REGION"


def with_advice(reason: str, only: bool = False) -> str:
    """Return what EMR says of a cluster, and what to do where that is known.

    Parameters
    ----------
    reason : str
    only : bool
        Return the advice without the reason, empty where none is known.
    """
    found = next((advice for words, advice in _OF_REASON.items()
                  if words.lower() in reason.lower()), "")
    if only:
        return found
    return f"{reason}; {found}" if found else reason
