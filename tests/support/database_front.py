"""What stands in front of a local PostgreSQL as Aurora's endpoints do: one name for changing servers, TLS, IAM logins.

The local PostgreSQL has neither TLS nor IAM. Aurora asks for the token as a password in clear text within TLS, and so
does this; which the role then needs no password for is a line of pg_hba.conf.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

SSL_REQUEST = 80877103
Stream = socket.socket


class Front:
    """Listens on a port of 127.0.0.1 and forwards to `target`, which may be changed. `context`: it then asks for TLS.
    `check`: is given the user and the password in clear text, and returns why a login is refused, or None."""

    def __init__(
        self,
        target: int,
        context: ssl.SSLContext | None = None,
        check: Callable[[str, str], str | None] | None = None,
    ) -> None:
        self.target = target
        self.connections = 0
        self._context, self._check = context, check
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._streams: list[Stream] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """End every connection without a word."""
        for stream in self._streams:
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        self._streams.clear()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._accept, args=(client,), daemon=True).start()

    def _accept(self, client: Stream) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, struct.error):
            startup = b""
            if self._context is not None:
                assert struct.unpack("!ii", _exactly(client, 8))[1] == SSL_REQUEST
                client.sendall(b"S")
                client = self._context.wrap_socket(client, server_side=True)
            if self._check is not None and not (startup := self._log_in(client)):
                client.close()
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            server.sendall(startup)
            self._streams += [client, server]
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            # Not closed before both have ended: TLS would write to whatever file has the descriptor by then.
            back.join()
            server.close()
        client.close()

    def _log_in(self, client: Stream) -> bytes:
        """The client's startup message, once its password is right."""
        assert self._check is not None
        [size] = struct.unpack("!i", head := _exactly(client, 4))
        startup = head + _exactly(client, size - 4)
        words = startup[8:].split(b"\0")
        user = dict(zip(words[::2], words[1::2], strict=False))[b"user"].decode()
        client.sendall(b"R" + struct.pack("!ii", 8, 3))  # AuthenticationCleartextPassword
        _, size = struct.unpack("!ci", _exactly(client, 5))
        password = _exactly(client, size - 4).rstrip(b"\0").decode()
        if self._check(user, password) is None:
            return startup
        fields = f'SFATAL\0VFATAL\0C28000\0MPAM authentication failed for user "{user}"\0\0'.encode()
        client.sendall(b"E" + struct.pack("!i", 4 + len(fields)) + fields)
        return b""


def check_token(host: str, port: int, allowed: str) -> Callable[[str, str], str | None]:
    """As RDS checks a token: whose it is, for which server, and whether its 15 minutes are over. Not its signature."""

    def check(user: str, token: str) -> str | None:
        url = urlsplit(f"https://{token}")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        try:
            begun = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            ends = begun + timedelta(seconds=int(query["X-Amz-Expires"]))
            if (url.hostname, url.port, query["DBUser"], query["Action"]) != (host, port, user, "connect"):
                return "of another server or role"
        except (KeyError, ValueError):
            return "no token"
        if user != allowed:
            return "not granted"
        return None if datetime.now(UTC) < ends else "expired"

    return check


def _exactly(stream: Stream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        if not (more := stream.recv(count - len(data))):
            raise OSError("the other side has ended")
        data += more
    return data


def _pump(source: Stream, sink: Stream) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for stream in (source, sink):
        with contextlib.suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)
