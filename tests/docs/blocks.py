"""The commands of a document, and the pages that it links to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (README, ROOT / "emr" / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text."""

    page: str
    number: int
    language: str
    code: str

    @property
    def name(self) -> str:
        return f"{self.page}-{self.number}-{self.language}"


def blocks(page: Path, *languages: str) -> list[Block]:
    """Blocks of a page in these languages, from the top; lines that call make are left out."""
    found = []
    for number, fence in enumerate(_FENCE.finditer(page.read_text(encoding="utf-8")), start=1):
        # CI runs `make run` and `make test` itself; here they would start this very test.
        code = re.sub(r"^make .*\n", "", fence["code"], flags=re.MULTILINE)
        if fence["language"] in languages and code.strip():
            found.append(Block(page.stem, number, fence["language"], code))
    return found


def links(page: Path) -> list[str]:
    """Targets of a page's links, outside of code."""
    return [m["target"] for m in _LINK.finditer(_FENCE.sub("", page.read_text(encoding="utf-8")))]


def anchors(page: Path) -> set[str]:
    """Names by which a page's headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
