"""Options that every command has (CLI-60), and those that several share. Each can come from CLUSTERLINK_* instead."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from pipeline.cli.output import Format
from pipeline.cli.rest import Endpoint, Rest

DEFAULT_URL = "http://localhost:8090"
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Session:
    """What a command gets: the endpoint to call and the form of its output."""

    endpoint: Endpoint
    output: Format = Format.HUMAN
    verbosity: int = 0

    def rest(self) -> Rest:
        return Rest(self.endpoint)


_COMMON = (
    click.option(
        "--url", envvar="CLUSTERLINK_URL", default=DEFAULT_URL, show_default=True, help="Endpoint: any worker."
    ),
    click.option("--cluster", envvar="CLUSTERLINK_CLUSTER", help="Id of the own cluster. [default: the endpoint's]"),
    click.option(
        "-o",
        "--output",
        type=click.Choice([form.value for form in Format]),
        envvar="CLUSTERLINK_OUTPUT",
        default=Format.HUMAN.value,
        show_default=True,
        help="Form of the output.",
    ),
    click.option(
        "-v", "verbosity", count=True, envvar="CLUSTERLINK_VERBOSITY", help="Say more; repeat for still more."
    ),
    click.option(
        "--no-authentication",
        is_flag=True,
        envvar="CLUSTERLINK_NO_AUTHENTICATION",
        help="Send no credentials, whatever is set.",
    ),
    click.option(
        "--username",
        envvar="CLUSTERLINK_USERNAME",
        help="Name for the endpoint; its password comes from CLUSTERLINK_PASSWORD, a token from CLUSTERLINK_TOKEN.",
    ),
    click.option("--password", envvar="CLUSTERLINK_PASSWORD", hidden=True),
    click.option("--token", envvar="CLUSTERLINK_TOKEN", hidden=True),
    click.option(
        "--certificate-authority-path",
        envvar="CLUSTERLINK_CERTIFICATE_AUTHORITY_PATH",
        type=click.Path(exists=True, dir_okay=False),
        help="PEM file of the authority that signed the endpoint's certificate.",
    ),
    click.option(
        "--client-cert-path",
        envvar="CLUSTERLINK_CLIENT_CERT_PATH",
        type=click.Path(exists=True, dir_okay=False),
        help="PEM file of the client's certificate, for mutual TLS.",
    ),
    click.option(
        "--client-key-path",
        envvar="CLUSTERLINK_CLIENT_KEY_PATH",
        type=click.Path(exists=True, dir_okay=False),
        help="PEM file of the client's private key.",
    ),
)

dry_run = click.option("--dry-run", is_flag=True, help="Check everything, change nothing.")
force = click.option("--force", is_flag=True, help="Do not ask.")
wait_timeout = click.option(
    "--timeout", type=click.FloatRange(min=0), default=300.0, show_default=True, help="Most seconds to --wait."
)
link_option = click.option("--link", "link", envvar="CLUSTERLINK_LINK", help="Name of the link.")


def own_cluster(servers_help: str, config_help: str) -> Callable[[F], F]:
    """How to reach the cluster of mirrors and workers, for commands that ask it themselves."""
    return _reaching("--", "CLUSTERLINK_", "BOOTSTRAP_SERVERS", servers_help, config_help)


def source_cluster(servers_help: str, config_help: str) -> Callable[[F], F]:
    """How to reach the source cluster, likewise."""
    return _reaching("--source-", "CLUSTERLINK_SOURCE_", "BOOTSTRAP_SERVER", servers_help, config_help)


def _reaching(option: str, variable: str, servers: str, servers_help: str, config_help: str) -> Callable[[F], F]:
    """Addresses and a file of client properties."""
    addresses = click.option(f"{option}bootstrap-server", envvar=f"{variable}{servers}", help=servers_help)
    config = click.option(
        f"{option}command-config", envvar=f"{variable}COMMAND_CONFIG", type=click.Path(), help=config_help
    )
    return lambda command: addresses(config(command))


def session(command: F) -> F:
    """Give the command the common options and, as its first argument, the Session they make."""

    @functools.wraps(command)
    def wrapper(
        *arguments: Any,
        url: str,
        cluster: str | None,
        output: str,
        verbosity: int,
        no_authentication: bool,
        username: str | None,
        password: str | None,
        token: str | None,
        certificate_authority_path: str | None,
        client_cert_path: str | None,
        client_key_path: str | None,
        **options: Any,
    ) -> Any:
        if client_key_path and not client_cert_path:
            raise click.UsageError("--client-key-path needs --client-cert-path")
        logging.basicConfig(level=(logging.ERROR, logging.INFO, logging.DEBUG)[min(verbosity, 2)])
        if no_authentication:
            username = password = token = None
        endpoint = Endpoint(
            url, cluster, username, password, token, certificate_authority_path, client_cert_path, client_key_path
        )
        return command(Session(endpoint, Format(output), verbosity), *arguments, **options)

    for option in reversed(_COMMON):
        option(wrapper)
    return wrapper  # type: ignore[return-value]


def example(*lines: str) -> str:
    """An epilog that shows how a command is used (CLI-67)."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)
