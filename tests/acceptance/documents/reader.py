"""A reader of the documents: two clusters with a worker each, a folder with files, and a shell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.documents.placeholders import filled
from tests.acceptance.documents.table import LOOKS, SECURITY, Need, need_of
from tests.support.asking import CommandsTopic, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.documents import Piece
from tests.support.pairing import Side, link_both
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

TOPICS = ("orders", "bills", "shop.carts")
LINKS = ("east", "both", "link-1")
WITHIN_S = 240
PROMPT = re.compile(r"^(here|there|east|west|public|private)\$\s+", re.M)
THERE = ("there", "west", "private")
NOT_FOR_TESTS = ("make", "pip", "pipx", "docker", "helm", "systemctl", "useradd", "install")
CURL = """#!/bin/sh
answer=$(/usr/bin/env -u PATH PATH="$SYSTEM_PATH" curl --fail-with-body "$@"); code=$?
echo "$answer"
case "$answer" in *'"error_code":'[1-9]*) exit 1;; esac
exit $code
"""


class Reader:
    """Does what a page says. What a piece needs is made before it, anew unless the piece before only looked at it."""

    def __init__(self, here: Side, there: Side, folder: Path, files: Sequence[Piece], secret: str) -> None:
        """`here` is where mirrors live, `there` where the data is; `secret` is the workers' key."""
        self._files = {piece.kind: SECURITY.sub("", piece.text) for piece in files}
        self._here, self._there, self._folder, self._secret = here, there, folder, secret
        self._has: tuple[Need, str, tuple[str, ...]] | None = None
        self._topics = dict.fromkeys(TOPICS, "")
        self._goes_on = False
        programs = folder / "bin"
        programs.mkdir()
        for name, words in (("clusterlink", "-c 'from pipeline.cli.main import main; main()'"), ("python", "")):
            (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (programs / "curl").write_text(CURL)
        for name in NOT_FOR_TESTS:
            (programs / name).write_text(f"#!/bin/sh\necho {name} is not for tests; exit 1\n")
        for program in programs.iterdir():
            program.chmod(0o755)
        self._environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "SYSTEM_PATH": os.environ["PATH"],
            "CLUSTERLINK_PASSWORD_ENCODER_SECRET": secret,
            "A": there.cluster.bootstrap_servers,
            "B": here.cluster.cluster_id,
            "URL": here.worker.url,
        }
        self._write_files()

    def does(self, piece: Piece) -> str:
        """Do a piece; what was said where it fails, else nothing."""
        if piece.is_file:
            return ""
        if piece.kind != "until" and not self._goes_on:
            self._have(piece)
        self._goes_on = piece.kind == "until"  # what comes behind it is meant for what is there
        said = self._filled(piece.text)
        if piece.kind == "json":
            return self._sends(json.loads(said))
        if piece.kind == "until":
            wait_until(lambda: self._shell(said, Need.NOTHING).returncode == 0, str(piece), WITHIN_S, 0.3)
            return ""
        done = self._python(said) if piece.kind == "python" else self._shell(said, need_of(piece))
        return f"{piece}\nas\n{said}\n{done.stdout}\n{done.stderr}" if done.returncode else ""

    def _python(self, said: str) -> subprocess.CompletedProcess[str]:
        """Python that may say `await` outside functions."""
        lines = textwrap.indent(said, "    ")
        program = f"import asyncio\nasync def main():\n{lines}\nasyncio.run(main())\n"
        return self._shell(f"python - <<'EOF'\n{program}EOF\n", Need.NOTHING)

    def _shell(self, script: str, need: Need) -> subprocess.CompletedProcess[str]:
        """Say it in a shell, here or where its prompt says; whatever asks for a confirmation gets it."""
        default = self._there if need is Need.OLD_SOURCE else self._here
        script = PROMPT.sub(lambda m: f"CLUSTERLINK_URL={self._side(m[1]).worker.url} ", script)
        return subprocess.run(
            ["bash", "-euc", script],
            env={**self._environment, "CLUSTERLINK_URL": default.worker.url},
            cwd=self._folder,
            input="y\n" * 3,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )

    def _side(self, prompt: str) -> Side:
        return self._there if prompt in THERE else self._here

    def _sends(self, command: dict[str, Any]) -> str:
        """Write a record to the commands topic; its result where it is a refusal, else nothing."""
        there = need_of(Piece("", "", "json", json.dumps(command))) is Need.OLD_SOURCE
        side = self._there if there else self._here
        with CommandsTopic(side.cluster, side.worker.app_id) as topic:
            result = topic.result(topic.command(command["kind"], command["link"], command["arguments"]))
        rows = (result.get("data") or {}).get("mirrors", [])
        refused = [row for row in rows if row.get("error_code")]
        return f"{command}: {result}" if result["status"] >= 300 or refused else ""

    def _filled(self, text: str) -> str:
        return filled(text, self._here, self._there, self._topics)

    def _write_files(self) -> None:
        for name, side in (("a", self._there), ("b", self._here), ("source", self._there), ("own", self._here)):
            text = f"bootstrap.servers={side.cluster.bootstrap_servers}\n"
            (self._folder / f"{name}.properties").write_text(text)
        for name, text in (
            ("east.config", f"bootstrap.servers={self._there.cluster.bootstrap_servers}\n"),
            ("new.properties", f"bootstrap.servers={self._there.cluster.bootstrap_servers}\n"),
            ("jaas.txt", "a.LoginModule required username='a' password='b';\n"),
            ("password.txt", "a password\n"),
            ("key", self._secret + "\n"),
        ):
            (self._folder / name).write_text(text)

    def _have(self, piece: Piece) -> None:
        """See to it that there is what the piece needs."""
        link = next((name for name in LINKS if re.search(rf"(?<![\w.-]){name}\b(?!-|:|\.)", piece.text)), "east")
        named = piece.text + "".join(text for name, text in self._files.items() if name in piece.text)
        topics = tuple(name for name in TOPICS if name.split(".")[0] in named) or ("orders",)
        wanted = (need_of(piece), link, topics)
        if wanted != self._has:
            self._clear()
            self._make(*wanted)
            for name, text in self._files.items():
                (self._folder / name).write_text(self._filled(text))
        only_looks = piece.kind == "line" and re.search(LOOKS, piece.text)
        self._has = wanted if only_looks else None

    def _clear(self) -> None:
        for side in (self._here, self._there):
            for link in side.rest.links():
                checked(side.rest.ask("DELETE", f"/{link}", force="true"))

    def _make(self, need: Need, link: str, topics: tuple[str, ...]) -> None:
        here, there = self._here, self._there
        self._topics = {name: f"{uuid.uuid4().hex[:8]}.{name}" for name in topics}
        for topic in self._topics.values():
            create_topic(there.cluster, topic)
            produce(there.cluster, topic, numbered(20))
        if need is Need.NOTHING:
            return
        if need in (Need.SIDES, Need.OLD_SOURCE):
            link_both(here, there, link)
        else:
            prefix = {"cluster_link_prefix": "east."} if need is Need.PREFIXED else {}
            checked(here.rest.create_link(link, there.cluster, **prefix))
        if need in (Need.LINK, Need.PREFIXED):
            return
        for topic in self._topics.values():
            checked(here.rest.create_mirror(link, topic))
        for topic in self._topics.values():
            here.rest.wait_for_status(link, topic)
            wait_for_ends(there.cluster, here.cluster, topic)
        if need is Need.PAUSED:
            self._all(link, "pause", "PAUSED")
        elif need is Need.OLD_SOURCE:
            self._all(link, "failover", "STOPPED")
        elif need is Need.PAUSED_LINK:
            change = {"data": [{"name": "cluster.link.paused", "value": "true", "operation": "SET"}]}
            checked(here.rest.ask("PUT", f"/{link}/configs:alter", change))

    def _all(self, link: str, verb: str, status: str) -> None:
        names = list(self._topics.values())
        checked(self._here.rest.ask("POST", f"/{link}/mirrors:{verb}", {"mirror_topic_names": names}))
        for name in names:
            self._here.rest.wait_for_status(link, name, status)
