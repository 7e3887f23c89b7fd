"""Every command of the documents is run against two real clusters, page by page, or says why it is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.documents.reader import Reader
from tests.acceptance.documents.table import why_left_out
from tests.support.documents import pages, pieces
from tests.support.packages import need
from tests.support.pairing import paired

SECRET = "a key of the tests"
EVERY = [piece for page in pages() for piece in pieces(page)]
FILES = [piece for piece in EVERY if piece.is_file]
RUN = list({(piece.kind, piece.text): piece for piece in reversed(EVERY) if not why_left_out(piece)}.values())[::-1]
"""What several pages say is run where it stands first."""


@pytest.fixture(scope="module")
def reader(
    source: LocalCluster, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    need({"curl": "curl"})
    folder = tmp_path_factory.mktemp("reader")
    with paired(source, destination, folder, password_encoder_secret=SECRET) as (there, here):
        yield Reader(here, there, folder, FILES, SECRET)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", dict.fromkeys(piece.page for piece in RUN))
def test_commands_of(page: str, reader: Reader) -> None:
    failed = [said for piece in RUN if piece.page == page and (said := reader.does(piece))]
    assert not failed, "\n\n".join(failed)
