"""A real PostgreSQL 15 for a test session: on a socket of its own, and gone with who started it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg

BINARIES = Path("/usr/lib/postgresql/15/bin")
"""Where Debian's package `postgresql-15` puts them; the cluster that it makes is left alone."""
MISSING = (
    f"no PostgreSQL 15 in {BINARIES}, which the stand-in for Redshift needs: "
    "apt-get install postgresql-15"
)
_SUPERUSER = "stormlake"


class PostgresServer:
    """A running server.

    Parameters
    ----------
    folder : Path
        Holds its data and its socket.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def connect(self, database: str, **options: Any) -> psycopg.Connection[Any]:
        """Connect to a database by the socket."""
        return psycopg.connect(host=str(self.folder), dbname=database, user=_SUPERUSER, **options)

    def new_database(self, template: str = "template1", name: str | None = None) -> str:
        """Make a database and give its name."""
        self._made += 1
        name = name or f"test_{self._made}"
        with self.connect("postgres", autocommit=True) as connection:
            connection.execute(_literal(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        with self.connect("postgres", autocommit=True) as connection:
            connection.execute(_literal(f'DROP DATABASE "{name}" WITH (FORCE)'))


def is_there() -> bool:
    """Whether this machine has the programs."""
    return (BINARIES / "postgres").exists()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server, and stop it in the end."""
    # Not pytest's temporary folder: as root that one is closed to the server's user, and its path
    # may be too long for a socket (108 bytes).
    folder = Path(tempfile.mkdtemp(prefix="stormlake-pg-", dir="/tmp"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "data"
    process = None
    try:
        made = subprocess.run(
            [
                *(*prefix, str(BINARIES / "initdb"), "-D", str(data), "-U", _SUPERUSER),
                *("-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert made.returncode == 0, f"initdb failed: {made.stderr}"
        log = (folder / "log").open("w")
        process = subprocess.Popen(
            [
                *prefix,
                # Ended with this process, even if that one is killed.
                *("setpriv", "--pdeathsig", "QUIT"),
                *(str(BINARIES / "postgres"), "-D", str(data), "-k", str(folder)),
                *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "timezone=UTC"),
                *("-c", "max_connections=60", "-c", "autovacuum=off"),
            ],
            stdout=log,
            stderr=log,
            cwd="/",
        )
        server = PostgresServer(folder)
        _wait_until_it_answers(server, process)
        yield server
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # at once: nothing here is kept
            process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            server.connect("postgres").close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > until:
                log = (server.folder / "log").read_text()
                raise AssertionError(f"PostgreSQL did not start: {error}\n{log}") from error
            time.sleep(0.02)


def _literal(sql: str) -> LiteralString:
    return cast(LiteralString, sql)


if __name__ == "__main__":
    # `make test` says once, and before all else, what it has to leave out.
    if not is_there():
        print(f"{MISSING}; its tests are skipped, but fail in CI", file=sys.stderr)
