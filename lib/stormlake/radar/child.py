"""The child of `isolation`: reads volumes from one pipe, writes results to another."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
from multiprocessing.connection import Connection

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Serve until the parent closes the pipe."""
    read = Connection(int(sys.argv[1]), writable=False)
    write = Connection(int(sys.argv[2]), readable=False)
    # A library that prints must not write where somebody waits for Spark's protocol or for JSON.
    os.dup2(2, 1)
    # Ctrl-C on a terminal reaches the whole process group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent, profile, stations = pickle.loads(read.recv_bytes())
    _die_with(parent)

    from stormlake.radar.outcomes import Reason, Status
    from stormlake.radar.process import VolumeResult, process_volume, warm_up

    warm_up()
    write.send_bytes(b"ready")
    while True:
        try:
            key = read.recv_bytes().decode()
            data = read.recv_bytes()
        except EOFError:
            return
        try:
            result = process_volume(data, key, profile, stations)
        except Exception as error:
            # Whatever was not foreseen costs this volume, named, and not the process.
            result = VolumeResult(Status.REJECTED, Reason.DECODE_ERROR, f"unforeseen: {error!r}")
        write.send_bytes(pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL))


def _die_with(parent: int) -> None:
    """Have the kernel end us with our parent, also in a hang; elsewhere the pipe's end does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


if __name__ == "__main__":
    main()
