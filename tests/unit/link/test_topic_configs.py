"""Topic configs of a mirror (MIRROR-80..90)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link.topic_configs import (
    ALWAYS,
    CATEGORIES,
    CONFIGURABLE,
    DEFAULT_INCLUDE,
    LONGEST_MS,
    Follows,
    category,
    check_include,
    differences,
    mirror_topic_configs,
    override_problems,
    skipped,
)

SPEC = (Path(__file__).resolve().parents[3] / "docs" / "spec.md").read_text()
SOURCE = {
    "cleanup.policy": "compact",
    "compression.type": "zstd",
    "message.timestamp.type": "LogAppendTime",
    "message.timestamp.before.max.ms": "1000",
    "message.timestamp.after.max.ms": "2000",
    "max.message.bytes": "1048588",
    "retention.ms": "604800000",
    "min.insync.replicas": "2",
    "remote.storage.enable": "true",
}
MODERN = {*DEFAULT_INCLUDE, *CONFIGURABLE, "remote.storage.enable"} - {"message.timestamp.difference.max.ms"}


def test_the_table_is_that_of_the_specification() -> None:
    def names(rule: str) -> list[str]:
        line = next(line for line in SPEC.splitlines() if line.startswith(f"| {rule} "))
        return re.findall(r"`([a-z0-9.]+)`", line)

    assert names("MIRROR-80") == list(ALWAYS)
    assert [name for name in names("MIRROR-81") if "sync.include" not in name] == list(CONFIGURABLE)
    assert set(names("MIRROR-82")) <= set(CATEGORIES[Follows.NEVER])
    assert category("anything.else") is Follows.NEVER


@pytest.mark.parametrize(("there", "here"), [("1000", str(1 << 20)), ("2000000", "2000000")])
def test_segments_that_kafka_4_does_not_take(there: str, here: str) -> None:
    """KIP-1030; a mirror on an older cluster has the source's value."""
    source = {**SOURCE, "segment.bytes": there}
    assert mirror_topic_configs(source, DEFAULT_INCLUDE, True, known=MODERN)["segment.bytes"] == here
    assert mirror_topic_configs(source, DEFAULT_INCLUDE, False, known=MODERN)["segment.bytes"] == here
    assert mirror_topic_configs(source, DEFAULT_INCLUDE, True)["segment.bytes"] == there
    assert "segment.bytes" not in mirror_topic_configs(source, ALWAYS, True, known=MODERN)


def test_include_lists() -> None:
    """FILT-42."""
    check_include(DEFAULT_INCLUDE)
    check_include([*ALWAYS, "min.insync.replicas"])
    with pytest.raises(ValueError, match=r"independent or unknown: local\.retention\.ms, oops"):
        check_include([*ALWAYS, "local.retention.ms", "oops"])


@given(
    source=st.fixed_dictionaries(
        {},
        optional={
            **{name: st.sampled_from(["a", "b"]) for name in CONFIGURABLE},
            "message.timestamp.type": st.sampled_from(["CreateTime", "LogAppendTime"]),
            "max.message.bytes": st.integers(0, 10**9).map(str),
        },
    ),
    include=st.sets(st.sampled_from(CONFIGURABLE)),
    own=st.dictionaries(st.sampled_from(CONFIGURABLE), st.just("own")),
    largest=st.integers(0, 10**9),
)
def test_no_config_whatsoever_alters_a_batch_while_mirroring(
    source: dict[str, str], include: set[str], own: dict[str, str], largest: int
) -> None:
    """MIRROR-90."""
    configs = mirror_topic_configs(source, {*ALWAYS, *include}, True, own=own, largest_batch_bytes=largest)
    assert configs["compression.type"] == "producer"
    assert configs["message.timestamp.type"] == "CreateTime"
    for name in ("message.timestamp.before.max.ms", "message.timestamp.after.max.ms"):
        assert configs[name] == LONGEST_MS
    assert int(configs["max.message.bytes"] or "") >= max(largest, int(source.get("max.message.bytes", "0")))


def test_once_stopped_the_source_values_show() -> None:
    """MIRROR-90, MIRROR-89."""
    configs = mirror_topic_configs(SOURCE, DEFAULT_INCLUDE, False, known=MODERN)
    followed = {name: value for name, value in SOURCE.items() if name in DEFAULT_INCLUDE}
    assert configs == followed
    assert "min.insync.replicas" not in configs


def test_once_stopped_what_did_not_follow_goes_back_to_its_own_or_no_value() -> None:
    include = [name for name in DEFAULT_INCLUDE if not name.startswith(("compression", "message.timestamp.before"))]
    configs = mirror_topic_configs(SOURCE, include, False, own={"compression.type": "lz4"}, known=MODERN)
    assert configs["compression.type"] == "lz4"
    assert configs["message.timestamp.before.max.ms"] is None


def test_an_older_limit_becomes_the_newer_pair() -> None:
    """MIRROR-83."""
    old_source = {"message.timestamp.difference.max.ms": "5000", "max.message.bytes": "1"}
    configs = mirror_topic_configs(old_source, DEFAULT_INCLUDE, False, known=MODERN)
    assert configs["message.timestamp.before.max.ms"] == configs["message.timestamp.after.max.ms"] == "5000"
    assert "message.timestamp.difference.max.ms" not in configs


def test_names_the_destination_does_not_know_are_skipped_and_listed() -> None:
    """MIRROR-83."""
    known = MODERN - {"compression.zstd.level"}
    source = {**SOURCE, "compression.zstd.level": "3", "message.timestamp.difference.max.ms": "1"}
    assert "compression.zstd.level" not in mirror_topic_configs(source, DEFAULT_INCLUDE, True, known=known)
    assert skipped(source, DEFAULT_INCLUDE, known) == ["compression.zstd.level"]


def test_a_compacted_topic_can_be_trimmed_while_it_is_seeded_only() -> None:
    assert mirror_topic_configs(SOURCE, DEFAULT_INCLUDE, True, seeding=True)["cleanup.policy"] == "compact,delete"
    assert mirror_topic_configs(SOURCE, DEFAULT_INCLUDE, True)["cleanup.policy"] == "compact"
    deleting = {**SOURCE, "cleanup.policy": "delete"}
    assert mirror_topic_configs(deleting, DEFAULT_INCLUDE, True, seeding=True)["cleanup.policy"] == "delete"


def test_overrides_are_for_what_does_not_follow() -> None:
    """MIRROR-86."""
    shorter = [name for name in DEFAULT_INCLUDE if name != "retention.ms"]
    assert override_problems({"retention.ms", "remote.storage.enable", "min.insync.replicas"}, shorter) == []
    assert override_problems({"retention.ms", "cleanup.policy"}, DEFAULT_INCLUDE) == [
        "cleanup.policy: follows the source topic and cannot be set on its mirror",
        "retention.ms: follows the source topic and cannot be set on its mirror; "
        "take it out of topic.config.sync.include first",
    ]
    own = mirror_topic_configs(SOURCE, shorter, True, own={"retention.ms": "7776000000"})
    assert own["retention.ms"] == "7776000000"


def test_only_differences_are_altered() -> None:
    """TASK-50."""
    wanted = {"a": "1", "b": "2", "c": None, "d": None, "cleanup.policy": "compact,delete"}
    current = {"a": "1", "b": "3", "c": "x", "cleanup.policy": "delete, compact"}
    assert differences(wanted, current) == {"b": "2", "c": None}
