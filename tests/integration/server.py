"""The process behind `runs.JobServer`: commands come as JSON lines, answers go as JSON lines."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys

from stormlake.cli import main


def serve() -> None:
    # Nothing that a library prints may come between our answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(json.loads(line), prog_name="stormlake")
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        answers.write(
            json.dumps({"code": code, "stdout": out.getvalue(), "stderr": err.getvalue()}) + "\n"
        )
        answers.flush()


if __name__ == "__main__":
    serve()
