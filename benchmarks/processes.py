"""Where the CPU time of a running job goes, from samples of /proc (Linux).

A process or thread that lives and dies between two samples is not seen; what a process spent in
threads that ended is told apart, so that the parts add up to the process.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_TICK: Final = os.sysconf("SC_CLK_TCK")
PYTHON_WORKERS: Final = "Python workers of Spark"

# The kernel keeps 15 characters of a thread's name.
_JVM_GROUPS: Final = (
    (re.compile(r"C[12] Compiler|Sweeper"), "JVM: JIT compilers"),
    (re.compile(r"GC Thread|G1 |VM Thread|VM Periodic|Reference Handl|Finalizer"), "JVM: GC, VM"),
    (re.compile(r"Executor task|stdout writer"), "JVM: task threads"),
)
_JVM_REST: Final = "JVM: driver and other threads"
_JVM_ENDED: Final = "JVM: threads that ended"


@dataclass
class Usage:
    """CPU seconds by class of process or JVM thread, and the largest resident set by process."""

    cpu: Counter[str] = field(default_factory=Counter)
    peak_rss: dict[str, int] = field(default_factory=dict)
    at_first_task: Counter[str] = field(default_factory=Counter)
    """CPU seconds when the first Python worker was seen: the start of everything."""


class Watch:
    """Samples a process and all below it in a thread, until closed; a context manager."""

    def __init__(self, pid: int, every: float = 0.2) -> None:
        self._root = pid
        self._every = every
        self._processes: dict[tuple[int, str], tuple[str, float]] = {}
        self._threads: dict[tuple[int, int, str], tuple[str, float]] = {}
        self._peaks: dict[str, int] = {}
        self._first_task: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def usage(self) -> Usage:
        """What was seen so far."""
        return Usage(self._totals(), dict(self._peaks), self._first_task)

    def _run(self) -> None:
        while not self._stop.is_set():
            started = time.monotonic()
            for pid in _tree(self._root):
                self._sample(pid)
            if not self._first_task and any(
                kind == PYTHON_WORKERS for kind, _ in self._processes.values()
            ):
                self._first_task = self._totals()
            self._stop.wait(max(0.0, self._every - (time.monotonic() - started)))

    def _sample(self, pid: int) -> None:
        folder = Path("/proc", str(pid))
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            name, seconds, born = _stat(folder / "stat")
            if command:
                kind = _kind(pid == self._root, name, command)
            else:  # it has ended and nobody has waited for it yet
                kind, _ = self._processes.get((pid, born), ("other processes", 0.0))
            self._processes[pid, born] = (kind, seconds)
            if kind == "JVM":
                for task in (folder / "task").iterdir():
                    of, spent, since = _stat(task / "stat")
                    self._threads[pid, int(task.name), since] = (of, spent)
            self._peaks[kind] = max(self._peaks.get(kind, 0), peak_resident(pid))
        except (OSError, ValueError):
            return  # ended while we looked

    def _totals(self) -> Counter[str]:
        totals: Counter[str] = Counter()
        jvm = 0.0
        for kind, seconds in list(self._processes.values()):
            if kind == "JVM":
                jvm += seconds
            else:
                totals[kind] += seconds
        for name, seconds in list(self._threads.values()):
            group = next((g for pattern, g in _JVM_GROUPS if pattern.match(name)), _JVM_REST)
            totals[group] += seconds
            jvm -= seconds
        totals[_JVM_ENDED] += max(0.0, jvm)
        return totals


def peak_resident(pid: int) -> int:
    """Largest resident set of a process so far, bytes; 0 for one that is about to end."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc", str(pid), "status").read_text())
    return int(peak[1]) * 1024 if peak else 0


def _kind(is_root: bool, name: str, command: str) -> str:
    if name.startswith("java") or "org.apache.spark" in command:
        return "JVM"
    if "stormlake.radar.child" in command:
        return "decoder processes"
    if "pyspark.daemon" in command or "pyspark.worker" in command:
        return PYTHON_WORKERS
    return "driver (Python)" if is_root else "other processes"


def _stat(path: Path) -> tuple[str, float, str]:
    """Name, CPU seconds and start of a process or thread (proc(5))."""
    text = path.read_text()
    name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    return name, (int(rest[11]) + int(rest[12])) / _TICK, rest[19]


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        try:
            for task in Path("/proc", str(pid), "task").iterdir():
                found.extend(int(child) for child in (task / "children").read_text().split())
        except OSError:
            continue
    return found
