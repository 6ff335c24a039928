"""Which process is which: pid alone is not enough, pids are used again."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process, told apart from every other that had or will have its pid.

    Parameters
    ----------
    host : str
        Host name.
    pid : int
        Process id.
    started : str
        When the process started, in whatever words the system has; empty when it tells nothing.
    world : str
        The boot and the pid namespace in which `pid` means something; empty off Linux.
    """

    host: str
    pid: int
    started: str
    world: str

    def is_gone(self) -> bool:
        """Whether this process surely ended; False when we cannot see it from here."""
        here = current_process()
        if self.host != here.host:
            return False
        if self.world != here.world:
            # Another boot: gone. The same boot but another container: its pids are not ours.
            return self.world.partition(" ")[0] != here.world.partition(" ")[0]
        return _started(self.pid) != self.started


def current_process() -> Process:
    """Describe the running process."""
    return Process(socket.gethostname(), os.getpid(), _started(os.getpid()) or "", _world())


def _started(pid: int) -> str | None:
    """When `pid` started, None when there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The second field, the command, may hold anything; what follows it does not.
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # A killed process that its parent has not yet waited for (state Z, X) runs no more.
        return None if fields[0] in "ZX" else fields[19]
    said = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or None


def _world() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
