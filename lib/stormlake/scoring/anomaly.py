"""Which scores a source calls an anomaly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CONDITIONS: Final[Mapping[str, str]] = {
    "wind": "score >= 3.0 AND score <> 0",
    "vitals": "score > 1.5 OR (score > 0 AND score < 0.4)",
}
"""By source, as SQL over a row of `anomaly_scores`; other sources have none."""
