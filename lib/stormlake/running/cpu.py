"""CPU time of a run: its own process, the JVM, Python workers and decoders, dead or alive."""

from __future__ import annotations

import os

import psutil


def run_cpu_seconds() -> float:
    """User and system time of all processes of this run on this machine so far.

    A process that has ended and was waited for counts in its parent. Under spark-submit the JVM
    is our parent, so the tree starts there.

    Returns
    -------
    float
        Seconds of one core. Executors on other machines are not in it.
    """
    root = psutil.Process(os.getpid())
    parent = root.parent()
    if parent is not None and "PYSPARK_GATEWAY_PORT" in os.environ and _is_java(parent):
        root = parent
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # ended meanwhile; its parent has its time
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _is_java(process: psutil.Process) -> bool:
    try:
        return "java" in process.name()
    except psutil.Error:
        return False
