"""By which name a NameNode is known to the tokens that YARN gives a task."""

from __future__ import annotations

import os
import socket

from mr_extract.storage.hadoop.configuration import namenodes

DEFAULT_PORT = 8020


def as_tokens_have_it(authority: str, found: dict[str, str]) -> str:
    """Return the authority of an ``hdfs://`` by which its token is found, where there are tokens.

    hdfs-native looks for a token by what stands in the URI, and Hadoop writes the address of the
    NameNode into it, whatever name was used.

    Parameters
    ----------
    authority : str
        Empty for that of ``fs.defaultFS``.
    found : dict of str to str
        Properties of Hadoop.

    Returns
    -------
    str
        As given without tokens, for a name service, and for a host that is not known.
    """
    if (not os.environ.get("HADOOP_TOKEN_FILE_LOCATION")
            or found.get("hadoop.security.token.service.use_ip", "true") == "false"):
        return authority
    scheme, _, default = found.get("fs.defaultFS", "").partition("://")
    named = authority or (default.partition("/")[0] if scheme == "hdfs" else "")
    if not named or named in namenodes(found):
        return authority
    host, colon, port = named.rpartition(":")
    host, port = (host, port) if colon else (named, str(DEFAULT_PORT))
    try:
        return f"{socket.gethostbyname(host)}:{port}"
    except OSError:
        return authority
