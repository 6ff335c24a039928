"""Random Cut Forests with the parameters of the managed SQL function, by the library krcf.

    forest = Forest.new(ForestOptions(), columns=3, seed=42)
    scores = [forest.score(point) for point in points]  # each is scored, then learned

The managed function RANDOM_CUT_FOREST took no new applications since 2025-10-15 and was deleted on
2026-01-27; names, defaults and limits of the parameters are its own (Amazon Kinesis Data Analytics
for SQL Applications, SQL reference). Its library is published as random-cut-forest-by-aws.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

import krcf

from stormlake.errors import RefusedInput, StormlakeError
from stormlake.scoring.state_bytes import in_order

MOST_COLUMNS: Final = 30
"""Numeric columns that one forest takes."""

LARGEST_VALUE: Final = 3.4028234663852886e38
"""The library computes with 32 bits; a larger value would be infinite there."""

_LIMITS: Final = {"trees": (1, 1000), "sample": (10, 1000), "shingle": (1, 30), "seed": (0, 2**64)}
_LATEST_DECAY: Final = 2**31


@dataclass(frozen=True)
class ForestOptions:
    """What a forest is made of.

    Parameters
    ----------
    trees : int
        numberOfTrees, 1 to 1000.
    sample : int
        subSampleSize, points that a tree keeps, 10 to 1000.
    time_decay : int
        timeDecay, points after which an old one counts less; above `sample`, below 2**31.
    shingle : int
        shingleSize, consecutive points that are looked at as one, 1 to 30.
    seed : int
        Base of the random numbers, 0 to 2**64 - 1.

    Raises
    ------
    RefusedInput
        One of them is out of its limits.
    """

    trees: int = 100
    sample: int = 256
    time_decay: int = 100_000
    shingle: int = 1
    seed: int = 42

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most - (name == "seed"):
                told = f"{most:,}" if name != "seed" else "2^64 - 1"
                raise RefusedInput(f"--{name} {value}: expected {least} to {told}")
        if not self.sample < self.time_decay < _LATEST_DECAY:
            raise RefusedInput(
                f"--time-decay {self.time_decay}: expected more than --sample ({self.sample}) and "
                "less than 2^31"
            )

    @property
    def warm_up(self) -> int:
        """How many of the first points score 0."""
        return self.sample + self.shingle - 1

    def library_options(self, columns: int, seed: int) -> dict[str, Any]:
        """The same in the library's words, which takes any other word without complaint.

        Parameters
        ----------
        columns : int
        seed : int
            Of this very forest.
        """
        return {
            "dimensions": columns,
            "shingle_size": self.shingle,
            "num_trees": self.trees,
            "sample_size": self.sample,
            # The library's own defaults are a quarter of the sample, and 1 / (10 sample).
            "output_after": self.sample,
            "lambda": 1 / self.time_decay,
            "random_seed": seed,
        }

    def fingerprint(self, **more: Any) -> str:
        """16 hex digits that tell these options, and what else decides scores, from others.

        Parameters
        ----------
        **more : JSON values
        """
        text = json.dumps({**asdict(self), **more}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def seed_of_key(base: int, key: str) -> int:
    """Seed of the forest of one key, the same in every process and on every machine.

    Parameters
    ----------
    base : int
    key : str

    Returns
    -------
    int
        The first 8 bytes, big-endian, of sha256 of `<base>|<key>` in UTF-8.
    """
    digest = hashlib.sha256(f"{base}|{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


class ScoreNotFinite(StormlakeError):
    """A forest gave a score that is no finite number; nothing may be written."""


class StateUnreadable(StormlakeError):
    """A saved state is not one that the library can go on with."""


class Forest:
    """One forest: scores a point, then learns it. Made by `new` or `of_bytes`.

    Parameters
    ----------
    library : krcf.RandomCutForest
    """

    def __init__(self, library: krcf.RandomCutForest) -> None:
        self._score, self._update = library.score, library.update
        self._library = library

    @classmethod
    def new(cls, options: ForestOptions, columns: int, seed: int) -> Forest:
        """Make a forest that has seen nothing.

        Parameters
        ----------
        options : ForestOptions
        columns : int
            Numbers in a point, 1 to 30.
        seed : int
            Of this forest: `options.seed`, or `seed_of_key`.
        """
        made = options.library_options(columns, seed)
        return cls(krcf.RandomCutForest(cast("Any", made)))

    @classmethod
    def of_bytes(cls, state: bytes) -> Forest:
        """Go on where `to_bytes` left off.

        Raises
        ------
        StateUnreadable
            These are no bytes of a forest.
        """
        try:
            return cls(krcf.RandomCutForest.from_msgpack(state))
        except (RuntimeError, ValueError) as error:
            # The library's message ends in a stack of machine addresses.
            reason = str(error).partition("\n")[0]
            raise StateUnreadable(
                f"{len(state)} bytes are no state of a forest: {reason}"
            ) from None

    def score(self, point: Sequence[float]) -> float:
        """Score a point against all before it, then add it.

        Parameters
        ----------
        point : sequence of float
            Finite, at most `LARGEST_VALUE` from 0.

        Returns
        -------
        float
            The mean over the trees; 0 while the forest fills.

        Raises
        ------
        ScoreNotFinite
        """
        score = self._score(point)
        if not math.isfinite(score):
            raise ScoreNotFinite(f"the score of {list(point)} is {score}")
        self._update(point)
        return score

    @property
    def entries_seen(self) -> int:
        """Points that it has been given."""
        return self._library.entries_seen()

    @property
    def options(self) -> dict[str, Any]:
        """What the library itself reports that it was made with."""
        return dict(self._library.options())

    def to_bytes(self) -> bytes:
        """Everything that it knows: equal histories give equal bytes, saved in between or not."""
        return in_order(self._library.to_msgpack())
