"""Certificates by openssl: an authority, and servers' certificates that it has signed."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Authority:
    """`bundle`: its certificate, as AWS's global-bundle.pem has AWS's."""

    directory: Path

    @property
    def bundle(self) -> Path:
        return self.directory / "ca.pem"

    @classmethod
    def create(cls, directory: Path) -> Authority:
        directory.mkdir()
        _openssl(
            directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority", "-days", "2",
            "-keyout", "ca.key", "-out", "ca.pem",
        )  # fmt: skip
        return cls(directory)

    def server(self, host: str, days: int = 1) -> ssl.SSLContext:
        """Of a server with a certificate for `host`; negative `days`: one that has expired."""
        name = f"{host}{days}"
        request = ("-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}", "-keyout", f"{name}.key", "-out")
        _openssl(self.directory, "req", *request, f"{name}.csr", "-addext", f"subjectAltName=DNS:{host}")
        _openssl(
            self.directory, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-copy_extensions", "copy", "-out", f"{name}.pem", "-days", str(days),
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        return context


def _openssl(directory: Path, *words: str) -> None:
    done = subprocess.run(["openssl", *words], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
