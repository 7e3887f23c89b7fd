"""Which function carries out which kind of command, and which duties a leader has besides: one row each."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.lifecycle.becoming import become_mirror
from pipeline.lifecycle.carrying import Carrying
from pipeline.lifecycle.draining import Draining
from pipeline.lifecycle.duties import Duty
from pipeline.lifecycle.guarding import Guarding
from pipeline.lifecycle.hearing import Hearing
from pipeline.lifecycle.leading import Handler
from pipeline.lifecycle.link_commands import create_link, delete_link, update_link
from pipeline.lifecycle.mirror_commands import create_mirror, delete_mirrors
from pipeline.lifecycle.operations import operate
from pipeline.lifecycle.pairing import Pairing
from pipeline.lifecycle.partition_counts import PartitionCounts
from pipeline.lifecycle.probing import Probing
from pipeline.lifecycle.restoring import Restoring
from pipeline.lifecycle.reversing import Reversing
from pipeline.lifecycle.secret_keeping import SecretKeeping
from pipeline.lifecycle.setting_up import SettingUp
from pipeline.lifecycle.stopping import Stopping
from pipeline.lifecycle.ticking import Ticking
from pipeline.lifecycle.topics_gone import TopicsGone
from pipeline.lifecycle.truncating import truncate_and_restore
from pipeline.lifecycle.watching import Watching

HANDLERS: Mapping[str, Handler] = {
    "link.create": create_link,
    "link.update": update_link,
    "link.delete": delete_link,
    "mirror.create": create_mirror,
    "mirror.delete": delete_mirrors,
    "mirror.pause": operate,
    "mirror.resume": operate,
    "mirror.promote": operate,
    "mirror.failover": operate,
    "mirror.reverse-and-start": operate,
    "mirror.reverse-and-pause": operate,
    "mirror.truncate-and-restore": truncate_and_restore,
    "mirror.become-mirror": become_mirror,
}

DUTIES: tuple[type[Duty], ...] = (
    SecretKeeping,
    Probing,
    Pairing,
    Hearing,
    Guarding,
    Watching,
    SettingUp,
    Draining,
    Reversing,
    Stopping,
    Restoring,
    PartitionCounts,
    TopicsGone,
    Ticking,
)
"""In the order in which they are asked what to decide; a link's state comes before what follows from it."""

CARRIED: tuple[type[Duty], ...] = (Carrying, Draining, Reversing, Restoring, PartitionCounts, Ticking)
"""What is done for a partner's link that cannot dial; the rest its own side does (MODE-44)."""
