"""Which names are URLs, and which of those may be read. A URL that passed `checked` holds no secret: it may be shown,
logged and kept.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sspr.input.errors import InputError

# Scheme → the extra of the distribution that brings what reads it.
EXTRAS = {"s3": "s3", "abfs": "azure", "abfss": "azure", "az": "azure", "sftp": "sftp", "ssh": "sftp"}

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<place>[^/]*)(?:/(?P<path>.*))?", re.DOTALL)
# A bucket or the ARN of an access point; a container, with or without its account; a host.
_PLACES = {
    "s3": re.compile(r"[\w.-]+|arn:[\w.:-]+"),
    "azure": re.compile(r"[\w$-]+(@[\w.-]+)?"),
    "sftp": re.compile(r"([^\s@:]+@)?([\w.-]+|\[[0-9A-Fa-f:]+\])(:\d+)?"),
}
_FORMS = {
    "s3": "s3://bucket/folder/file.csv",
    "azure": "abfs://container@account.dfs.core.windows.net/folder/file.csv",
    "sftp": "sftp://user@host/folder/file.csv",
}


def is_url(name: str) -> bool:
    """Whether this is meant as a URL; whether it is one that can be read, `checked` says."""
    return "://" in name


def scheme_of(url: str) -> str:
    """`s3` of `S3://bucket/key`."""
    return url.partition("://")[0].casefold()


def checked(name: str) -> str:
    """The URL, its scheme in small letters. Raises `InputError`, whose text holds nothing of the URL but its scheme,
    for one that is not read, and for one that holds a password or a signature: it would be kept in the ledger, in the
    results and among the parameters of a flow run.
    """
    found = _URL.fullmatch(name)
    scheme = found["scheme"].casefold() if found else ""
    if scheme in {"http", "https"}:
        raise InputError(
            "A web address (https://…) is not read: a link that opens a file without a sign-in is a secret. "
            "Name the file by s3://, abfs:// or sftp://, or download it."
        )
    if found is None or scheme not in EXTRAS:
        raise InputError(
            "A URL that is read begins with s3://, abfs://, abfss://, az://, sftp://, ssh:// or file://; "
            f"{scheme or 'another beginning'} is none of them."
        )
    place, path = found["place"], found["path"] or ""
    if "@" in place and ":" in place.rpartition("@")[0]:
        raise InputError(
            f"A URL with a password in it ({scheme}://…) is not read: it would be kept with the run. "
            "Leave the password out; see “Files elsewhere” in docs/set-up.md."
        )
    if set("?#") & set(place + path) or "::" in path:
        raise InputError(
            f"A URL with ?, # or :: in it ({scheme}://…) is not read: what follows may be a signature, which would "
            "be kept with the run. Leave that out, or rename the file."
        )
    extra = EXTRAS[scheme]
    if not _PLACES[extra].fullmatch(place) or not path.isprintable():
        raise InputError(f"A URL that begins with {scheme}:// is written {_FORMS[extra]}.")
    return f"{scheme}://{place}/{path}"


def local_path(name: str) -> str:
    """The path that a `file://` URL names. Raises `InputError` for one of another machine."""
    parts = urlsplit(name)
    if parts.netloc not in {"", "localhost"}:
        raise InputError("file:// names a file of this machine, with three slashes: file:///folder/file.csv.")
    return url2pathname(parts.path)


def in_folder(url: str, name: str) -> str:
    """The URL of what is called `name` in the folder of that URL."""
    return f"{url.rstrip('/')}/{name}"


def pattern_of(url: str) -> tuple[str, str] | None:
    """The folder and the pattern where the last part of the path holds a `*`. Raises `InputError` for any other `*`."""
    if "*" not in url:
        return None
    folder, _, pattern = url.rpartition("/")
    if "*" in folder:
        raise InputError(f"{url}: * may stand in the last part only. Name the folders one by one.")
    return folder, pattern
