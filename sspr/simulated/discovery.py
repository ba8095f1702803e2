"""What a client reads before it signs in: the metadata of an authority, and which authorities there are."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from sspr.simulated.assertions import SignInError
from sspr.simulated.errors import Json


def openid_configuration(authority: str, base: str, graph_host: str) -> Json:
    """/{tenant}/v2.0/.well-known/openid-configuration of an authority (``https://host:port/tenant``)."""
    return {
        "token_endpoint": f"{authority}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{authority}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{authority}/v2.0",
        "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{authority}/oauth2/v2.0/devicecode",
        "end_session_endpoint": f"{authority}/oauth2/v2.0/logout",
        "tenant_region_scope": "NA",
        "cloud_instance_name": urlsplit(base).netloc,
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": graph_host,
    }


def instance_discovery(query: Mapping[str, str], base: str) -> Json:
    """/common/discovery/instance: the tenant knows itself, and no other authority."""
    endpoint = query.get("authorization_endpoint", "")
    parts = urlsplit(endpoint)
    host = urlsplit(base).netloc
    # msal leaves the port out here.
    if parts.hostname != urlsplit(base).hostname:
        raise SignInError("invalid_instance", 50049, "Unknown or invalid instance.")
    tenant = parts.path.strip("/").partition("/")[0] or "common"
    return {
        "tenant_discovery_endpoint": f"{base}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": query.get("api-version", "1.1"),
        "metadata": [
            {"preferred_network": host, "preferred_cache": host, "aliases": [host, str(parts.hostname)]}
        ],
    }
