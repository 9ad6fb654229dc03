"""What Hadoop's daemons say went wrong, by its name."""

import re

from mr_extract.failures import ImageFailure
from mr_extract.storage.faults import Passing

# Simple names of Java's exceptions. What is in none of the sets fails at once.
_FORBIDDEN = {
    "AccessControlException", "AccessDeniedException", "AuthenticationException",
    "AuthorizationException", "InvalidToken", "SecurityException",
}
_NOT_FOUND = {"FileNotFoundException", "NoSuchFileException", "NotInMountpointException"}
_NOT_A_FILE = {"FileAlreadyExistsException", "PathIsNotEmptyDirectoryException"}
_NO_FOLDER = {"ParentNotDirectoryException", "PathIsNotDirectoryException"}
_BLOCKS = {"BlockMissingException", "CannotObtainBlockLengthException", "ReplicaNotFoundException"}
_BUSY = {"RetriableException", "ServerTooBusyException", "CallQueueOverflowException"}
_PASSING = {
    "ConnectException", "EOFException", "IOException", "InterruptedIOException",
    "LeaseExpiredException", "NoNamenodesAvailableException", "NotReplicatedYetException",
    "ObserverRetryOnActiveException", "RetryStartFileException", "SafeModeException",
    "SocketTimeoutException", "StandbyException",
}
_PATH = re.compile(r'(?:\w+:/)?/[^\s"\',:;)\]]*')
LOST_BLOCK = "no DataNode gives a block of the file: are they down, or its replicas lost?"


def named(java_class: str, message: str) -> Passing | ImageFailure:
    """Return the exception to raise for one of Java's.

    Parameters
    ----------
    java_class : str
        With or without its package.
    message : str
        Its message, and perhaps a stack trace.

    Returns
    -------
    Passing or ImageFailure
    """
    name = re.split(r"[.$]", java_class)[-1]
    first = message.partition("\n")[0].strip()
    if name in _NO_FOLDER or "(is not a directory)" in first:
        return ImageFailure("fetch-not-found", "a part of its path is no folder")
    if first.startswith("Path is not a file") or name in _NOT_A_FILE:
        return ImageFailure("fetch-not-a-file", "it is a folder")
    if name in _NOT_FOUND:
        return ImageFailure("fetch-not-found", "no such file in HDFS")
    said = name + (f": {_PATH.sub('...', first)[:200]}" if first else "")
    if name in _FORBIDDEN:
        return ImageFailure("fetch-forbidden", f"HDFS refuses ({said})")
    if name in _BLOCKS or "Could not obtain block" in first:
        return Passing("fetch-failed", LOST_BLOCK)
    if name in _BUSY:
        return Passing("fetch-throttled", f"the NameNode asks for patience ({said})")
    if name in _PASSING:
        return Passing("fetch-failed", f"HDFS failed ({said})")
    return ImageFailure("fetch-failed", f"HDFS failed ({said})")
