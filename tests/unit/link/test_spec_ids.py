"""Whoever cites a rule of the specification cites one that exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("pipeline", "agents", "tables", "tests", "bench")
AREAS = "TERM|LINK|FILT|MODE|STATE|MIRROR|TASK|CLI|REST|MET|SEC|RUN|LIM|NUM|CONF|K8S|OPEN"
CITED = re.compile(rf"\b(?:{AREAS})-\d+")
DEFINED = re.compile(rf"^(?:\| |\*\*)((?:{AREAS})-\d+)\b", re.MULTILINE)


def test_every_cited_rule_is_in_the_specification() -> None:
    defined = set(DEFINED.findall((ROOT / "docs" / "spec.md").read_text()))
    assert len(defined) > 500
    sources = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    unknown = {
        f"{path.relative_to(ROOT)}: {cited}"
        for path in sources
        for cited in CITED.findall(path.read_text())
        if cited not in defined
    }
    assert not unknown


def test_no_rule_is_defined_twice() -> None:
    defined = DEFINED.findall((ROOT / "docs" / "spec.md").read_text())
    assert sorted(defined) == sorted(set(defined))
