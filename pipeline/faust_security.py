"""The own cluster's security as Faust takes it: the same properties as every other client (LINK-70..90).

Faust is named here, not imported: which of its classes with which arguments is told, and `pipeline/app.py` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import client_arguments
from pipeline.settings import SettingsError

Credentials = tuple[str, dict[str, Any]]
"""Name of a class of Faust's, and its arguments."""


def broker_credentials(configs: Mapping[str, str]) -> Credentials | None:
    """Give Faust's credentials for client properties; None for PLAINTEXT. Raises SettingsError."""
    try:
        arguments: dict[str, Any] = client_arguments(configs).aiokafka()
    except ClusterError as error:
        raise SettingsError([f"CLUSTERLINK_COMMAND_CONFIG: {error}"]) from error
    protocol, context = arguments["security_protocol"], arguments.get("ssl_context")
    if protocol == "PLAINTEXT":
        return None
    if protocol == "SSL":
        return "SSLCredentials", {"context": context}
    mechanism = arguments["sasl_mechanism"]
    if mechanism == "OAUTHBEARER":
        tokens = arguments["sasl_oauth_token_provider"]
        return "OAuthCredentials", {"oauth_cb": tokens, "ssl_context": context}
    if mechanism == "GSSAPI":
        service = arguments["sasl_kerberos_service_name"]
        return "GSSAPICredentials", {
            "kerberos_service_name": service,
            "ssl_context": context,
            "mechanism": mechanism,
        }
    return "SASLCredentials", {
        "username": arguments["sasl_plain_username"],
        "password": arguments["sasl_plain_password"],
        "ssl_context": context,
        "mechanism": mechanism,
    }
