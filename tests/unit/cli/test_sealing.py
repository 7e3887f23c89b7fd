"""`clusterlink secret seal`: its output can be opened by the workers of that cluster, for that link and property."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli.main import cli
from pipeline.secrets.encoder import Encoder
from pipeline.secrets.errors import SecretError

WHERE = ("--link", "east", "--cluster", "cluster-1")
KEY = "CLUSTERLINK_PASSWORD_ENCODER_SECRET"


def seal(*words: str, given: str = "", **environment: str) -> Result:
    return CliRunner().invoke(cli, ["secret", "seal", *words], input=given, env={KEY: "", **environment})


def test_it_is_sealed_for_one_property_of_one_link() -> None:
    done = seal("sasl.jaas.config", *WHERE, given="hush hush;\n", **{KEY: "the key"})
    assert done.exit_code == 0, done.output
    stored, encoder = done.output.strip(), Encoder(lambda: "the key")
    assert encoder.open(stored, ("cluster-1", "east", "sasl.jaas.config")).text == "hush hush;"
    with pytest.raises(SecretError):
        encoder.open(stored, ("cluster-1", "west", "sasl.jaas.config"))


def test_key_and_secret_come_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("the key\n")
    (tmp_path / "secret").write_text("two\nlines\n")
    words = ("ssl.keystore.key", *WHERE, "--file", str(tmp_path / "secret"), "--encoder-secret-file")
    done = seal(*words, str(tmp_path / "key"))
    assert done.exit_code == 0, done.output
    about = ("cluster-1", "east", "ssl.keystore.key")
    assert Encoder(lambda: "the key").open(done.output.strip(), about).text == "two\nlines"


@pytest.mark.parametrize(
    ("words", "given", "key", "problem"),
    [
        (("acl.sync.ms",), "5", "k", "acl.sync.ms is no secret"),
        (("sasl.jaas.config",), "x", "", "no key"),
        (("sasl.jaas.config",), "\n", "k", "nothing to seal"),
        (("sasl.jaas.config", "--encoder-secret-file", "/not/there"), "x", "k", "key of --encoder-secret-file"),
    ],
)
def test_what_cannot_be_sealed_is_said(words: tuple[str, ...], given: str, key: str, problem: str) -> None:
    done = seal(*words, *WHERE, given=given, **{KEY: key})
    assert done.exit_code == 2
    assert problem in done.output
