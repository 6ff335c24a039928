"""Writing items to DynamoDB, 25 at a time: the later write of a key wins, so a replay is harmless.

BatchWriteItem takes at most 25 items and no key twice; what it could not write it gives back as
UnprocessedItems, which are sent again after a random wait (Amazon DynamoDB API reference).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from stormlake.errors import RefusedInput, StormlakeError
from stormlake.running.aws import ApiCall, Aws, CallFailed
from stormlake.serving.items import Item, Serving

BATCH: Final = 25
RETRIES: Final = 8
"""How often what was not processed is sent again."""
FIRST_WAIT: Final = 0.05
LONGEST_WAIT: Final = 10.0
"""Seconds; a wait is random between 0 and the first, doubled each time, up to the longest."""


class NotWritten(StormlakeError):
    """DynamoDB did not take all items, however often they were sent."""


@dataclass
class Written:
    """What became of the items.

    Parameters
    ----------
    written : int
        Items that DynamoDB took.
    retried : int
        Items that it gave back and got again.
    failed : int
        Items that it never took.
    batches : int
        Requests.
    replaced : int
        Items that were not sent, because a later one of their key was in the same request.
    """

    written: int = 0
    retried: int = 0
    failed: int = 0
    batches: int = 0
    replaced: int = 0


@dataclass
class Upsert:
    """Writes items to one table.

    Parameters
    ----------
    aws : Aws
    table : str
        Of DynamoDB.
    serving : Serving
    sleep : callable
        Waits, s.
    chance : random.Random
    done : Written
        Counts as it goes, so that an interruption can tell.
    """

    aws: Aws
    table: str
    serving: Serving
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)
    done: Written = field(default_factory=Written)

    def write(self, items: Iterable[Item]) -> None:
        """Write items; of those with one key the table keeps the last, as with single writes.

        Raises
        ------
        NotWritten
            Some were given back each time.
        RefusedInput
            There is no such table, or its key is another.
        """
        for batch in self._batches(items):
            self._write(batch)

    def _batches(self, items: Iterable[Item]) -> Iterator[list[Item]]:
        """Batches without a key twice; a key that comes again replaces its item."""
        batch: dict[tuple[str, str], Item] = {}
        for item in items:
            key = self.serving.key_of(item)
            if key not in batch and len(batch) == BATCH:
                yield list(batch.values())
                batch = {}
            self.done.replaced += key in batch
            batch[key] = item
        if batch:
            yield list(batch.values())

    def _write(self, batch: list[Item]) -> None:
        waiting = [{"PutRequest": {"Item": item}} for item in batch]
        for attempt in range(RETRIES + 1):
            if attempt:
                self.done.retried += len(waiting)
                self.sleep(
                    self.chance.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)))
                )
            answer = self._call(waiting)
            self.done.batches += 1
            left = answer.get("UnprocessedItems", {}).get(self.table, [])
            self.done.written += len(waiting) - len(left)
            waiting = left
            if not waiting:
                return
        self.done.failed += len(waiting)
        raise NotWritten(
            f"{len(waiting)} items were not written to {self.table} in {RETRIES + 1} attempts, "
            f"{self.done.written} were, and none after them was sent: raise the table's write "
            "capacity and run again, which changes nothing about those that are written"
        )

    def _call(self, waiting: list[dict[str, dict[str, Item]]]) -> dict[str, dict[str, list]]:  # type: ignore[type-arg]
        call = ApiCall("dynamodb", "BatchWriteItem", {"RequestItems": {self.table: waiting}})
        try:
            return self.aws.make(call)
        except CallFailed as error:
            first, second = (self.serving.attributes[column] for column in self.serving.key)
            advice = (
                f"`aws dynamodb create-table --table-name {self.table} --billing-mode "
                f"PAY_PER_REQUEST --attribute-definitions AttributeName={first},AttributeType=S "
                f"AttributeName={second},AttributeType=S --key-schema "
                f"AttributeName={first},KeyType=HASH AttributeName={second},KeyType=RANGE` makes it"
            )
            if error.code == "ResourceNotFoundException":
                raise RefusedInput(
                    f"there is no DynamoDB table {self.table!r} in this region; {advice}"
                ) from error
            if error.code == "ValidationException":
                raise RefusedInput(
                    f"DynamoDB table {self.table!r} takes no such item ({error}); its key must be "
                    f"{first} and {second}, both texts; {advice}"
                ) from error
            raise
