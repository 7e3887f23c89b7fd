"""`clusterlink secret seal`: a secret as a hand-made command record may carry it.

A record of the commands topic with a secret in the clear is refused (SEC-34). Whoever writes such records by hand seals
each secret first, under the key that the workers have (SEC-30). What comes out holds for one property of one link of
one cluster and for nothing else.
"""

from __future__ import annotations

import os
import sys

import click

from pipeline.cli.given import read_text
from pipeline.cli.options import Session, example, session
from pipeline.cli.suggesting import Group
from pipeline.link.properties import SECRETS

KEY, KEY_FILE = "CLUSTERLINK_PASSWORD_ENCODER_SECRET", "CLUSTERLINK_PASSWORD_ENCODER_SECRET_FILE"


@click.group(cls=Group, epilog=example("clusterlink secret seal sasl.jaas.config --link east --file jaas.txt"))
def secret() -> None:
    """Secrets for command records that are written by hand."""


@secret.command(
    epilog=example(
        "clusterlink secret seal sasl.jaas.config --link east --cluster 6UyhTfbkTkmxYpNHiBnHXQ --file jaas.txt",
        "clusterlink secret seal ssl.key.password --link east --cluster 6UyhTfbkTkmxYpNHiBnHXQ < password.txt",
    )
)
@click.argument("name", metavar="PROPERTY")
@click.option("--link", required=True, envvar="CLUSTERLINK_LINK", help="Link that the secret is for.")
@click.option("--file", "path", type=click.Path(), help="File with the secret.  [default: standard input]")
@click.option(
    "--encoder-secret-file",
    envvar=KEY_FILE,
    type=click.Path(),
    help=f"File with the workers' key, as their setting password_encoder_secret_file; else {KEY} is the key.",
)
@session
def seal(on: Session, *, name: str, link: str, path: str | None, encoder_secret_file: str | None) -> None:
    """Print a property's secret in its stored form, for the value in a link.create or link.update record.

    With --cluster no worker is asked.

    The secret comes from a file or from standard input, never from an argument; one line end behind it is left out.
    """
    # imported when it runs: a tenth of a second that no other command needs
    from pipeline.secrets.encoder import Encoder  # noqa: PLC0415
    from pipeline.secrets.keys import Key, UnusableKey  # noqa: PLC0415

    if name not in SECRETS:
        raise click.UsageError(
            f"{name} is no secret: write its value as it is. Secrets are {', '.join(sorted(SECRETS))}"
        )
    try:
        key = Key("" if encoder_secret_file else os.environ.get(KEY, ""), encoder_secret_file or "")
    except UnusableKey as error:
        raise click.UsageError(f"the key of --encoder-secret-file {error}") from None
    if not key.current():
        raise click.UsageError(f"no key: give --encoder-secret-file, or set {KEY} to the one that the workers have")
    text = (sys.stdin.read() if path is None else read_text(path)).removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise click.UsageError("there is nothing to seal")
    cluster = on.endpoint.cluster
    if cluster is None:
        with on.rest() as rest:
            cluster = rest.cluster_id
    click.echo(Encoder(key.current).seal(text, (cluster, link, name)))
