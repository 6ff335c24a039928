"""What a reader of the topic is told."""

from __future__ import annotations

from typing import Final

SUBJECTS: Final = {"wind": "Abnormal Wind Turbine Speed Detected"}
"""By source. Amazon SNS: ASCII, fewer than 100 characters, no line break."""

UNITS: Final = {"wind": " mph"}
"""What stands behind the features of a source."""

ADVICE: Final = {
    "wind": "Turbines give full power at about 30 to 55 mph; above 70 mph shutdown should begin.",
}
"""What to make of it, by source."""

SUBJECT_CHARACTERS: Final = 99


def subject_of(source: str) -> str:
    """Subject of the messages of a source."""
    return SUBJECTS.get(source, f"Stormlake alert: {source}")[:SUBJECT_CHARACTERS]
