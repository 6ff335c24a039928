"""Claims: who publishes an alert, kept where two publishers see the same.

A claim is made before an alert is published and marked `sent` afterwards, so that no run that ends
publishes it twice. One that stays `claimed` belongs to a publisher that died, or is at work: after
`STALE` seconds another may take it over. Both stores do the same by conditional writes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Protocol

from stormlake.errors import RefusedInput, StormlakeError
from stormlake.lake.store import AlreadyExists, Changed, Store
from stormlake.running.aws import ApiCall, Aws, CallFailed

STALE: Final = 600.0
"""Seconds after which a claim that is not sent may be taken over."""

FOLDER: Final = "_stormlake/claims"

State = Literal["claimed", "sent"]


@dataclass(frozen=True)
class Claim:
    """What is known of an alert.

    Parameters
    ----------
    owner : str
        Of which publisher it is.
    state : {"claimed", "sent"}
    since : float
        When it was claimed, seconds since 1970 UTC.
    """

    owner: str
    state: State
    since: float


class Claims(Protocol):
    """A store of claims."""

    def read(self, alert_id: str) -> Claim | None:
        """The claim as it stands now; None where there is none."""

    def create(self, alert_id: str, claim: Claim) -> bool:
        """Make a claim where there is none; False where there is one."""

    def replace(self, alert_id: str, claim: Claim, old: Claim) -> bool:
        """Put a claim in the place of this very one; False where another stands there."""


@dataclass(frozen=True)
class Obtained:
    """A claim that is ours.

    Parameters
    ----------
    claim : Claim
    taken_over : bool
        Whether another publisher had it, who may have published.
    """

    claim: Claim
    taken_over: bool


def obtain(claims: Claims, alert_id: str, owner: str, now: float) -> Obtained | Claim:
    """Make an alert ours to publish.

    Parameters
    ----------
    claims : Claims
    alert_id : str
    owner : str
        A word of this publisher alone.
    now : float
        Seconds since 1970 UTC.

    Returns
    -------
    Obtained or Claim
        The claim of another where it is not ours: it was sent, or somebody is at it.
    """
    mine = Claim(owner, "claimed", now)
    while not claims.create(alert_id, mine):
        there = claims.read(alert_id)
        if there is None:
            continue  # removed by hand since, to have it sent again
        if there.owner == owner:
            # Our own request, whose answer was lost and which was made again.
            return Obtained(there, taken_over=False)
        if there.state == "sent" or now - there.since <= STALE:
            return there
        if claims.replace(alert_id, mine, there):
            break
        faster = claims.read(alert_id)
        if faster is not None and faster.owner != owner:
            return faster
        if faster is not None:
            break
    else:
        return Obtained(mine, taken_over=False)
    return Obtained(mine, taken_over=True)


class DynamoClaims:
    """Claims as items of a DynamoDB table with the key `alert_id` (S).

    Parameters
    ----------
    aws : Aws
    table : str
    """

    def __init__(self, aws: Aws, table: str) -> None:
        self._aws, self._table = aws, table

    def read(self, alert_id: str) -> Claim | None:
        """The claim as it stands now."""
        answer = self._call("GetItem", Key={"alert_id": {"S": alert_id}}, ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        try:
            return _claim(item["owner"]["S"], item["state"]["S"], item["since"]["N"])
        except (ValueError, TypeError, KeyError) as error:
            raise StormlakeError(
                f"item {alert_id} of {self._table} is no claim ({error!r}); is the table one of "
                "claims alone? Remove the item to have the alert sent again"
            ) from error

    def create(self, alert_id: str, claim: Claim) -> bool:
        """Make a claim where there is none."""
        return self._put(alert_id, claim, "attribute_not_exists(alert_id)", None)

    def replace(self, alert_id: str, claim: Claim, old: Claim) -> bool:
        """Put a claim in the place of this very one."""
        # `owner` and `state` are reserved words of DynamoDB.
        condition = "#owner = :owner AND #state = :state AND #since = :since"
        return self._put(alert_id, claim, condition, old)

    def _put(self, alert_id: str, claim: Claim, condition: str, old: Claim | None) -> bool:
        parameters: dict[str, Any] = {
            "Item": {"alert_id": {"S": alert_id}, **_item(claim)},
            "ConditionExpression": condition,
        }
        if old is not None:
            parameters["ExpressionAttributeNames"] = {f"#{name}": name for name in asdict(old)}
            parameters["ExpressionAttributeValues"] = {
                f":{name}": value for name, value in _item(old).items()
            }
        try:
            self._call("PutItem", **parameters)
        except CallFailed as error:
            if error.code == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        call = ApiCall("dynamodb", operation, {"TableName": self._table, **parameters})
        try:
            return self._aws.make(call)
        except CallFailed as error:
            if error.code == "ResourceNotFoundException":
                raise RefusedInput(
                    f"there is no DynamoDB table {self._table!r} for claims in this region; make "
                    "one whose partition key is alert_id, a string (docs/alerts.md)"
                ) from error
            raise


class LakeClaims:
    """Claims as small objects of the lake.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._etags: dict[tuple[str, Claim], str] = {}

    def read(self, alert_id: str) -> Claim | None:
        """The claim as it stands now."""
        found = self._store.read(self._path(alert_id))
        if found is None:
            return None
        try:
            told = json.loads(found.data)
            claim = _claim(told["owner"], told["state"], told["since"])
        except (ValueError, TypeError, KeyError) as error:
            raise StormlakeError(
                f"{self._path(alert_id)} of the lake is no claim ({error}); remove it to have the "
                "alert sent again"
            ) from error
        self._etags[alert_id, claim] = found.etag
        return claim

    def create(self, alert_id: str, claim: Claim) -> bool:
        """Make a claim where there is none."""
        try:
            self._etags[alert_id, claim] = self._store.create(self._path(alert_id), _dump(claim))
        except AlreadyExists:
            return False
        return True

    def replace(self, alert_id: str, claim: Claim, old: Claim) -> bool:
        """Put a claim in the place of this very one."""
        etag = self._etags.get((alert_id, old))
        if etag is None and self.read(alert_id) != old:
            return False
        try:
            new = self._store.replace(
                self._path(alert_id), _dump(claim), self._etags[alert_id, old]
            )
        except Changed:
            return False
        self._etags[alert_id, claim] = new
        return True

    @staticmethod
    def _path(alert_id: str) -> str:
        return f"{FOLDER}/{alert_id}.json"


def _dump(claim: Claim) -> bytes:
    return json.dumps(asdict(claim), sort_keys=True).encode()


def _item(claim: Claim) -> dict[str, dict[str, str]]:
    return {
        "owner": {"S": claim.owner},
        "state": {"S": claim.state},
        "since": {"N": repr(claim.since)},
    }


def _claim(owner: Any, state: Any, since: Any) -> Claim:
    if not isinstance(owner, str) or state not in ("claimed", "sent"):
        raise ValueError(f"owner {owner!r}, state {state!r}")
    return Claim(owner, state, float(since))
