"""What the documents tell a reader to type: shell blocks, commands between the lines, records, files, Python.

A command between the lines counts where it is whole: `clusterlink link list --include-topics`, not the mere name
`clusterlink mirror promote`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DRAWN = "<!-- drawn by"
"""Behind this a page is a reference, printed from the code: each line of an example stands for itself."""
NOT_INSTRUCTIONS = {"spec.md"}
"""It tells of the original's commands too."""
SHELL = ("sh", "bash", "console")
PROGRAMS = r"(?:clusterlink|make|curl|docker(?:-compose)?|helm|systemctl|python3?|pip|pipx|eval|faust|useradd|install)"
_PROMPT = r"(?:[\w-]+\$\s+)?"
_COMMAND = re.compile(rf"^{_PROMPT}{PROGRAMS} ", re.M)
_PARTS = re.compile(
    r"^(?P<heading>#+ [^\n]*)$|^ *```(?P<language>[^\n]*)\n(?P<block>.*?)^ *```$|^<!-- until: (?P<until>.*?) -->$"
    r"|(?<=\n\n)(?P<indented>(?:    [^\n]+\n)+)|`(?P<inline>[^`\n]+)`",
    re.M | re.S,
)


@dataclass(frozen=True)
class Piece:
    """Something to type, where a page has it. `kind`: `sh`, `line` (a shell line that stands for itself), `until` (to
    be repeated until it succeeds), `json`, `python`, or the name of a file that the text is put into."""

    page: str
    heading: str
    kind: str
    text: str

    @property
    def is_file(self) -> bool:
        return self.kind.endswith((".properties", ".yaml"))

    def __str__(self) -> str:
        return f"{self.page}, {self.heading}: {self.text.strip()}"


def pages() -> list[Path]:
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [page for page in found if page.name not in NOT_INSTRUCTIONS]


def pieces(page: Path) -> list[Piece]:
    """All of a page, in its order."""
    return list(_pieces(page.name, page.read_text(encoding="utf-8")))


def _pieces(name: str, text: str) -> Iterator[Piece]:
    heading, drawn_at = "", text.find(DRAWN) if DRAWN in text else len(text)
    for part in _PARTS.finditer(text):
        if part["heading"]:
            heading = part["heading"].lstrip("# ")
        elif part["until"]:
            yield Piece(name, heading, "until", part["until"])
        elif part["inline"] and _is_whole(part["inline"]):
            yield Piece(name, heading, "line", part["inline"])
        elif part["indented"] and _COMMAND.search(textwrap.dedent(part["indented"])):
            yield Piece(name, heading, "sh", textwrap.dedent(part["indented"]))
        elif part["block"]:
            for kind, block in _of_block(part["language"].split(" ")[0], textwrap.dedent(part["block"])):
                lines = block.splitlines() if kind == "sh" and part.start() > drawn_at else []
                yield from [Piece(name, heading, "line", line) for line in lines] or [Piece(name, heading, kind, block)]


def _of_block(language: str, block: str) -> Iterator[tuple[str, str]]:
    if language in SHELL or (not language and _COMMAND.search(block)):
        yield "sh", block
    elif language == "json" and '"arguments"' in block:
        yield "json", block
    elif language == "python":
        yield "python", block
    elif language == "yaml":
        yield "links.yaml", block
    elif language == "properties" and (file := re.match(r"# (\S+)\n", block)):
        yield file[1], block


def _is_whole(command: str) -> bool:
    """Whether it is a command with something to it: an option, a file, a name in capitals or in angle brackets."""
    words = command.split()
    if not re.match(PROGRAMS, words[0]) or len(words) == 1 or "..." in words:
        return False
    return words[0] != "clusterlink" or any(re.match(r"-|<|[A-Z]+$|\w+\.\w+$", word) for word in words[1:])
