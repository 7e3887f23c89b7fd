"""The own cluster's security as Faust takes it: the same properties as every other client (LINK-70..90)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import faust
from faust.types.auth import CredentialsT

from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import client_arguments
from pipeline.settings import SettingsError


def faust_credentials(configs: Mapping[str, str]) -> CredentialsT | None:
    """Return Faust's credentials for client properties; None for PLAINTEXT. Raises SettingsError."""
    try:
        arguments: dict[str, Any] = client_arguments(configs).aiokafka()
    except ClusterError as error:
        raise SettingsError([f"CLUSTERLINK_COMMAND_CONFIG: {error}"]) from error
    protocol, context = arguments["security_protocol"], arguments.get("ssl_context")
    if protocol == "PLAINTEXT":
        return None
    if protocol == "SSL":
        return faust.SSLCredentials(context)
    mechanism = arguments["sasl_mechanism"]
    if mechanism == "OAUTHBEARER":
        return faust.OAuthCredentials(oauth_cb=arguments["sasl_oauth_token_provider"], ssl_context=context)
    if mechanism == "GSSAPI":
        return faust.GSSAPICredentials(
            kerberos_service_name=arguments.get("sasl_kerberos_service_name", "kafka"),
            kerberos_domain_name=arguments.get("sasl_kerberos_domain_name"),
            ssl_context=context,
            mechanism=mechanism,
        )
    return faust.SASLCredentials(
        username=arguments["sasl_plain_username"],
        password=arguments["sasl_plain_password"],
        ssl_context=context,
        mechanism=mechanism,
    )
