"""Files that lie elsewhere: what a URL names there, and a private copy of it for as long as it is read.

fsspec (fsspec.org) and what its schemes need are imported when a URL is given, and not before. Who we are there comes
from the environment, as each of them has it; see "Files elsewhere" in docs/set-up.md.
"""

from __future__ import annotations

import errno
import logging
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sspr.files import private_folder
from sspr.input.errors import InputError
from sspr.input.places import Listing
from sspr.input.urls import EXTRAS, scheme_of

# A table of 100,000 administrators has 10 MB. What is larger than this is something else under a mistaken name, and
# Azure's library holds most of what it downloads in memory (measured: 400 MB of a file of 400 MB).
MOST_BYTES = 256 << 20
_FOLDER = "fetched"
# A killed run's copy may still be wanted when the run is resumed; it is fetched again where it is gone.
_KEPT_SECONDS = 24 * 3600

_SIGN_IN = {
    "s3": "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "azure": "Set AZURE_STORAGE_ACCOUNT_NAME, and sign in with `az login` or set AZURE_STORAGE_ACCOUNT_KEY.",
    "sftp": "Load the private key into the SSH agent, or keep it in ~/.ssh, and put the user into the URL.",
}
# By name, because the packages that define them are imported only where they are used.
_NOT_SIGNED_IN = frozenset({
    "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError",  # botocore
    "ClientAuthenticationError", "CredentialUnavailableError",  # azure
    "AuthenticationException", "PasswordRequiredException",  # paramiko
})  # fmt: skip
# What has no kind of its own: adlfs without an account, paramiko without a key.
_ASKS_FOR_SIGN_IN = re.compile("Must provide either|No authentication methods available")
_NOT_REACHED = frozenset({
    "ConnectionError", "TimeoutError", "gaierror", "NoValidConnectionsError",
    "HTTPClientError", "ServiceRequestError", "ServiceResponseError", "ClientConnectionError", "SSHException",
})  # fmt: skip


class Stores:
    """The stores that URLs name, each signed in to once, as long as the block runs."""

    def __init__(self) -> None:
        self._open: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for store in self._open.values():
            close = getattr(getattr(store, "client", None), "close", None)  # that of SSH holds a thread
            if close is not None:
                close()

    def look(self, url: str) -> Listing | None:
        """What lies in the folder of this URL; None where it is a file. Raises `InputError`."""
        with _told(url):
            store, path = self._at(url)
            if store.info(path)["type"] != "directory":
                return None
            listing = Listing()
            for entry in store.ls(path, detail=True):
                where = str(entry["name"]).rstrip("/")
                if where == path.rstrip("/"):  # S3's consoles keep an empty object for a folder
                    continue
                kind = entry["type"]
                if kind == "link":
                    with suppress(FileNotFoundError):
                        kind = store.info(where)["type"]
                (listing.files if kind == "file" else listing.others).append(where.rpartition("/")[2])
            return listing

    def fetch(self, url: str, home: Path) -> Path:
        """Copies the file to one of mode 0600 in `home`, in blocks, and returns that. Raises `InputError`."""
        folder = private_folder(home / _FOLDER)
        _sweep(folder)
        copy = folder / secrets.token_hex(8)
        with _told(url):
            store, path = self._at(url)
            found = store.info(path)
            if found["type"] == "directory":
                raise InputError(f"{url} is a folder by now. Start again.")
            if (found["size"] or 0) > MOST_BYTES:
                raise InputError(
                    f"{url} is larger than {MOST_BYTES >> 20} MiB: no table of administrators is. Name another file."
                )
            copy.touch(mode=0o600)
            try:
                store.get_file(path, str(copy))
            except BaseException:
                copy.unlink(missing_ok=True)
                raise
        return copy

    def _at(self, url: str) -> tuple[Any, str]:
        """The file system, and the path in it."""
        place = "/".join(url.split("/", 3)[:3])
        if place not in self._open:
            self._open[place] = _sftp(url) if EXTRAS[scheme_of(url)] == "sftp" else _store(url)
        store = self._open[place]
        return store, str(store._strip_protocol(url))  # noqa: SLF001 - how fsspec itself comes by it


def forget(path: Path, home: Path) -> None:
    """Removes a copy that `fetch` made in `home`; leaves any other file alone."""
    if path.parent == home / _FOLDER:
        path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Removes what killed runs left there long ago."""
    for copy in folder.iterdir():
        with suppress(OSError):
            if copy.stat().st_mtime < time.time() - _KEPT_SECONDS:
                copy.unlink()


def _store(url: str) -> Any:
    from fsspec.core import url_to_fs

    # What they log are their own errors, with the text of answers in it; what there is to say `_told` says.
    for name in ("azure", "adlfs", "botocore", "aiobotocore", "s3fs"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # fsspec knows abfss:// only where adlfs is installed, and would not say what is missing.
    return url_to_fs(url.replace("abfss://", "abfs://", 1), skip_instance_cache=True)[0]


def _sftp(url: str) -> Any:
    """The file system of fsspec without two habits: it takes any host for the one that is meant, and waits for ever."""
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem
    from fsspec.utils import infer_storage_options

    logging.getLogger("paramiko").setLevel(logging.CRITICAL)

    class Refuse(paramiko.MissingHostKeyPolicy):
        def missing_host_key(self, _client: Any, hostname: str, key: Any) -> None:
            raise InputError(
                f"The SSH host key of {hostname} ({key.get_name()}) is not in ~/.ssh/known_hosts. "
                "Compare it with what its owner says, and add it there."
            )

    class Verified(SFTPFileSystem):  # type: ignore[misc] # fsspec has no types
        def _connect(self) -> None:
            self.client = paramiko.SSHClient()
            self.client.load_system_host_keys()
            with suppress(OSError):
                self.client.load_system_host_keys("/etc/ssh/ssh_known_hosts")
            self.client.set_missing_host_key_policy(Refuse())
            try:
                self.client.connect(
                    self.host, timeout=20, banner_timeout=20, auth_timeout=30, **self.ssh_kwargs
                )
                self.ftp = self.client.open_sftp()
                self.ftp.sock.settimeout(60)
            except BaseException:
                self.client.close()
                raise

    found = infer_storage_options(url)
    words = {word: found[word] for word in ("username", "port") if word in found}
    return Verified(found["host"].strip("[]"), **words, skip_instance_cache=True)


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Whatever goes wrong there, as one sentence that holds none of the foreign text."""
    try:
        yield
    except InputError:
        raise
    except ImportError:
        extra = EXTRAS[scheme_of(url)]
        raise InputError(
            f"What reads {scheme_of(url)}:// is not installed: pip install 'sspr-onboarding[{extra}]'."
        ) from None
    except Exception as error:  # noqa: BLE001 - each library has its own, and their texts may quote a signature
        raise InputError(_sentence(url, error)) from None


def _sentence(url: str, error: Exception) -> str:
    chain = list(_causes(error))
    names = {kind.__name__ for each in chain for kind in type(each).__mro__}
    if "BadHostKeyException" in names:
        return (
            f"{url}: the host showed another SSH key than the one in known_hosts, so it may not be the one that is "
            "meant. Ask its owner before you change known_hosts."
        )
    if names & _NOT_SIGNED_IN or _ASKS_FOR_SIGN_IN.search(str(error)):
        return f"{url}: not signed in ({_code(chain)}). {_SIGN_IN[EXTRAS[scheme_of(url)]]}"
    if "FileNotFoundError" in names:
        return f"There is no file or folder {url}, or this sign-in is not shown it."
    if "PermissionError" in names or any(getattr(each, "status_code", None) == 403 for each in chain):
        return f"This sign-in may not read {url} ({_code(chain)})."
    if names & _NOT_REACHED:
        return (
            f"{url}: the store cannot be reached ({_code(chain)}). Is its name right, and the network there?"
        )
    if any(isinstance(each, OSError) and each.errno == errno.ENOSPC for each in chain):
        return f"There is no room for a copy of {url} in SSPR_HOME."
    return f"{url} cannot be read ({_code(chain)})."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _code(chain: list[BaseException]) -> str:
    """What the store calls the error, else what the library does: a single word."""
    for each in chain:
        response = getattr(each, "response", None)
        said = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
        said = said or getattr(each, "error_code", None)
        said = getattr(said, "value", said)
        if isinstance(said, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9.]{2,60}", said):
            return said
    return type(chain[0]).__name__
