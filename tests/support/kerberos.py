"""A Kerberos server of MIT's for a test: an ordinary process with its files in a folder and a port of its own.

with Kdc(tmp_path) as kdc:
    keytab = kdc.keytab("link")
    ...  # programs that get `kdc.environment` ask this server
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.local.ports import HOST, PortLease
from pipeline.local.process import ServerProcess
from tests.support.packages import need
from tests.support.workers import wait_until

REALM = "CLUSTERLINK.TEST"
_CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
_KRB5_CONF = """[libdefaults]
 default_realm = {realm}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = {host}:{port}
 }}
[domain_realm]
 {host} = {realm}
"""
_KDC_CONF = """[kdcdefaults]
 kdc_listen = ""
 kdc_tcp_listen = {host}:{port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  max_life = {life_s}s
 }}
[logging]
 kdc = STDERR
"""


def need_kerberos() -> None:
    """Bring the server's programs and the package `gssapi`, built here. Raises RuntimeError, saying what fails."""
    programs = {"krb5kdc": "krb5-kdc", "kadmin.local": "krb5-admin-server"}
    if importlib.util.find_spec("gssapi") is not None:
        need(programs)
        return
    need(programs | {"krb5-config": "libkrb5-dev", "gcc": "gcc"})
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        need({"python3-config": "python3-dev"})
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--constraint", str(_CONSTRAINTS), "gssapi"], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"this test needs the Python package gssapi, and pip cannot install it: {done.stderr[-2000:]}"
        )
    importlib.invalidate_caches()


class Kdc:
    """Gives out tickets of realm `REALM`, good for `ticket_life_s`."""

    def __init__(self, folder: Path, ticket_life_s: int = 3600) -> None:
        self._folder = folder
        self._lease = PortLease()
        given = {"realm": REALM, "host": HOST, "port": self._lease.port, "folder": folder, "life_s": ticket_life_s}
        self.krb5_conf = folder / "krb5.conf"
        self.krb5_conf.write_text(_KRB5_CONF.format(**given))
        (folder / "kdc.conf").write_text(_KDC_CONF.format(**given))
        (folder / "acl").write_text("")
        self.environment = {"KRB5_CONFIG": str(self.krb5_conf), "KRB5_KDC_PROFILE": str(folder / "kdc.conf")}
        self._server: ServerProcess | None = None

    def __enter__(self) -> Self:
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "the master key of a test")
        command = [_path("krb5kdc"), "-n", "-r", REALM]
        self._server = ServerProcess(command, self._folder / "kdc.log", self.environment)
        try:
            wait_until(self._answers, "the KDC answers")
        except AssertionError as error:
            error.add_note(self._server.log())
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"the KDC logged last:\n{self.log()[-4000:]}")
        self._stop()

    def log(self) -> str:
        return "" if self._server is None else self._server.log()

    def keytab(self, principal: str) -> Path:
        """A new principal, and the file with its key."""
        file = self._folder / f"{principal.replace('/', '-')}.keytab"
        self._run("kadmin.local", "-r", REALM, "-q", f"addprinc -randkey {principal}")
        self._run("kadmin.local", "-r", REALM, "-q", f"ktadd -k {file} {principal}")
        if not file.exists():
            raise RuntimeError(f"no keytab came of {principal}")
        return file

    def _answers(self) -> bool:
        assert self._server is not None and self._server.is_running(), f"the KDC has ended: {self.log()}"
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self._lease.port)) == 0

    def _stop(self) -> None:
        if self._server is not None:
            self._server.stop(hard=False)
        self._lease.release()

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [_path(program), *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} {arguments[0]}: {done.stderr or done.stdout}")


def _path(program: str) -> str:
    """Where Debian keeps what only administrators run."""
    return next((str(found) for folder in ("/usr/sbin", "/sbin") if (found := Path(folder, program)).exists()), program)
