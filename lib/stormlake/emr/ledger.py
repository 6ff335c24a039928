"""The ledger of submissions: one object for each attempt at a run, in the lake's store.

`_stormlake/submissions/<job>/<run key>/<attempt>.json` is made by exclusive create and changed by
compare-and-swap, so that of two clients one submits. An entry is a claim until it has a ref.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from stormlake.emr.refs import Ref, parse_ref
from stormlake.emr.steps import run_id, step_name
from stormlake.errors import RefusedInput
from stormlake.lake.store import Store, Stored

FORMAT: Final = 1
"""Version of an entry's form; one of a later version is refused, not guessed at."""

ROOT: Final = "_stormlake/submissions/"


@dataclass(frozen=True)
class Place:
    """Where an attempt was to run.

    Parameters
    ----------
    kind : str
        `cluster`, `transient` or `serverless`.
    id : str
        Of the cluster or of the application; empty for a cluster that is made for the run.
    """

    kind: str
    id: str = ""

    def __str__(self) -> str:
        if self.kind == "serverless":
            return f"application {self.id}"
        return f"cluster {self.id}" if self.id else "a cluster of its own"


@dataclass(frozen=True)
class Entry:
    """One attempt at a run.

    Parameters
    ----------
    job, run_key : str
    attempt : int
        From 1.
    place : Place
    claim : str
        A word of the client that has claimed it, which no other has.
    claimed : datetime
        UTC, by that client's clock.
    ref : StepRef or ServerlessRef or None
        What runs; None while it is only claimed.
    """

    job: str
    run_key: str
    attempt: int
    place: Place
    claim: str
    claimed: datetime
    ref: Ref | None = None

    @property
    def name(self) -> str:
        """Name of its step or job run, by which it is found."""
        return step_name(self.job, self.run_key, self.attempt)

    @property
    def run_id(self) -> str:
        """Id of the run, as the job gets it."""
        return run_id(self.run_key, self.attempt)

    @property
    def path(self) -> str:
        """Where it stands in the store."""
        return f"{ROOT}{self.job}/{self.run_key}/{self.attempt}.json"

    def dump(self) -> bytes:
        """Write it as JSON."""
        document = asdict(self) | {
            "format": FORMAT,
            "state": "claimed" if self.ref is None else "submitted",
            "run_id": self.run_id,
            "claimed": self.claimed.isoformat(timespec="seconds"),
            "ref": None if self.ref is None else str(self.ref),
        }
        return json.dumps(document, indent=1, sort_keys=True).encode()


@dataclass(frozen=True)
class Kept:
    """An entry, and the version of its object."""

    entry: Entry
    etag: str


class Ledger:
    """The attempts at one run.

    Parameters
    ----------
    store : Store
        The lake's.
    job, run_key : str
    """

    def __init__(self, store: Store, job: str, run_key: str) -> None:
        self._store = store
        self.job = job
        self.run_key = run_key

    @property
    def prefix(self) -> str:
        """What the paths of its entries begin with."""
        return f"{ROOT}{self.job}/{self.run_key}/"

    def latest(self) -> Kept | None:
        """The attempt with the highest number, None before the first."""
        pattern = re.compile(re.escape(self.prefix) + r"(\d+)\.json")
        found = [pattern.fullmatch(each.path) for each in self._store.list(self.prefix)]
        numbers = [int(match[1]) for match in found if match]
        while numbers:
            path = f"{self.prefix}{max(numbers)}.json"
            stored = self._store.read(path)
            if stored is not None:
                return _parse(stored, path)
            numbers.remove(max(numbers))  # released since the listing
        return None

    def claim(self, attempt: int, place: Place, now: datetime) -> Kept:
        """Make an attempt ours, or raise AlreadyExists."""
        entry = Entry(self.job, self.run_key, attempt, place, uuid.uuid4().hex, now)
        return Kept(entry, self._store.create(entry.path, entry.dump()))

    def take_over(self, kept: Kept, place: Place, now: datetime) -> Kept:
        """Make a claim ours that another client has left, or raise Changed."""
        return self._put(
            kept, replace(kept.entry, place=place, claim=uuid.uuid4().hex, claimed=now)
        )

    def renew(self, kept: Kept, now: datetime) -> Kept:
        """Say that our claim still stands, or raise Changed."""
        return self._put(kept, replace(kept.entry, claimed=now))

    def complete(self, kept: Kept, ref: Ref) -> Kept:
        """Say what runs, or raise Changed."""
        return self._put(kept, replace(kept.entry, ref=ref))

    def release(self, kept: Kept) -> None:
        """Remove our claim: nothing was submitted, and the next client need not wait."""
        self._store.delete(kept.entry.path, kept.etag)

    def _put(self, kept: Kept, entry: Entry) -> Kept:
        return Kept(entry, self._store.replace(entry.path, entry.dump(), kept.etag))


def _parse(stored: Stored, path: str) -> Kept:
    try:
        document: Mapping[str, Any] = json.loads(stored.data)
        if document["format"] > FORMAT:
            raise RefusedInput(
                f"{path} was written by a later Stormlake, form {document['format']}; this one "
                f"reads up to {FORMAT}: upgrade"
            )
        ref = document["ref"]
        entry = Entry(
            document["job"],
            document["run_key"],
            int(document["attempt"]),
            Place(**document["place"]),
            document["claim"],
            datetime.fromisoformat(document["claimed"]).astimezone(UTC),
            None if ref is None else parse_ref(ref),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedInput(f"{path} is no entry of the ledger: {error!r}") from error
    return Kept(entry, stored.etag)
