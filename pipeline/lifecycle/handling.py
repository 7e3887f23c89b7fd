"""Which function carries out which kind of command: one row each."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.lifecycle.leading import Handler
from pipeline.lifecycle.link_commands import create_link, delete_link, update_link
from pipeline.lifecycle.mirror_commands import create_mirror, delete_mirrors
from pipeline.lifecycle.operations import operate

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
    "mirror.truncate-and-restore": operate,
}
