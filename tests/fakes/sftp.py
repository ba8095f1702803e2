"""An SFTP server on loopback over a folder, that lets in one key; and a home folder whose owner may enter it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

USER = "reader"


class _Door(paramiko.ServerInterface):
    def __init__(self, server: SftpServer) -> None:
        self._server = server

    def get_allowed_auths(self, _username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._server.sign_ins += 1
        fits = username == USER and key == self._server.user_key
        return AUTH_SUCCESSFUL if fits else AUTH_FAILED

    def check_channel_request(self, _kind: str, _number: int) -> int:
        return OPEN_SUCCEEDED


class _Handle(paramiko.SFTPHandle):
    def __init__(self, flags: int, path: Path) -> None:
        super().__init__(flags)
        self.readfile = path.open("rb")


class _Files(paramiko.SFTPServerInterface):
    """What is asked for, read only, in the folder that is served as `/`."""

    def __init__(self, server: paramiko.ServerInterface, folder: Path) -> None:
        super().__init__(server)
        self._folder = folder

    def _here(self, path: str) -> Path:
        return self._folder / self.canonicalize(path).lstrip("/")

    def _answer(self, ask: Any) -> Any:
        try:
            return ask()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def list_folder(self, path: str) -> Any:
        def ask() -> list[paramiko.SFTPAttributes]:
            return [
                paramiko.SFTPAttributes.from_stat(entry.lstat(), entry.name)
                for entry in self._here(path).iterdir()
            ]

        return self._answer(ask)

    def stat(self, path: str) -> Any:
        return self._answer(lambda: paramiko.SFTPAttributes.from_stat(self._here(path).stat()))

    def open(self, path: str, flags: int, _attributes: Any) -> Any:
        def ask() -> paramiko.SFTPHandle:
            return _Handle(flags, self._here(path))

        return self._answer(ask)


class SftpServer:
    """Serves `folder`; as a context manager until the block ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.host_key = paramiko.RSAKey.generate(2048)
        self.user_key = paramiko.RSAKey.generate(2048)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._transports: list[paramiko.Transport] = []
        self.sign_ins = 0

    @property
    def url(self) -> str:
        """The address of its `/`."""
        return f"sftp://{USER}@127.0.0.1:{self.port}"

    def let_in(self, home: Path, *, host_key: paramiko.PKey | None = None) -> None:
        """Puts the key into `~/.ssh`, and the host's key, or another in its place, among the known ones."""
        folder = home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        self.user_key.write_private_key_file(str(folder / "id_rsa"))
        self.know(home, host_key or self.host_key)

    def know(self, home: Path, key: paramiko.PKey) -> None:
        line = f"[127.0.0.1]:{self.port} {key.get_name()} {key.get_base64()}\n"
        (home / ".ssh" / "known_hosts").write_text(line)

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Hangs up, and takes no more calls."""
        with suppress(OSError):  # wakes the thread that waits for a call
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for transport in self._transports:
            transport.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            self._transports.append(transport)
            transport.add_server_key(self.host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self._folder)
            try:
                transport.start_server(server=_Door(self))
            except (
                EOFError,
                OSError,
                paramiko.SSHException,
            ):  # a client that does not trust the key hangs up
                transport.close()
