"""What can become of an archive object: a status, one reason, free detail. All words stand here."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """What became of an archive object (column `status` of `radar_volumes`)."""

    OK = "ok"
    PARTIAL = "partial"
    REJECTED = "rejected"
    SKIPPED = "skipped"


GRIDDED: Final = frozenset({Status.OK, Status.PARTIAL})
"""Statuses of objects that give rows to the grid tables."""


class Reason(StrEnum):
    """Why an object is not simply `ok`; of several, the first in this order is kept."""

    # partial
    NO_END_OF_VOLUME = "no_end_of_volume"
    MISSING_CUT = "missing_cut"
    INCOMPLETE_CUT = "incomplete_cut"
    # rejected
    EMPTY_OBJECT = "empty_object"
    UNSUPPORTED_COMPRESSION = "unsupported_compression"
    TRUNCATED_CONTAINER = "truncated_container"
    NOT_LEVEL2 = "not_level2"
    CONCATENATED_VOLUMES = "concatenated_volumes"
    NO_RADIALS = "no_radials"
    DECODE_ERROR = "decode_error"
    UNKNOWN_STATION = "unknown_station"
    BAD_LOCATION = "bad_location"
    NO_REFLECTIVITY = "no_reflectivity"
    NO_DUAL_POL = "no_dual_pol"
    FETCH_FAILED = "fetch_failed"
    DECODER_FAILED = "decoder_failed"
    # skipped
    METADATA_ONLY = "metadata_only"
    NXL2_TAR = "nxl2_tar"
    UNKNOWN_KEY = "unknown_key"
    FOLDER = "folder"
    DUPLICATE_VOLUME = "duplicate_volume"


class VolumeRejected(Exception):
    """A volume that gives no rows, with the reason and what the decoder said.

    Parameters
    ----------
    reason : Reason
        Goes into column `reason`.
    detail : str
        What was found and where; goes into column `detail`.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[VolumeRejected], tuple[Reason, str]]:
        return type(self), (self.reason, self.detail)
