"""Entra ID's sign-in for applications: OpenID configuration, instance discovery, keys, the token endpoint.

learn.microsoft.com, "OAuth 2.0 client credentials flow", "Microsoft identity platform application authentication
certificate credentials", "Microsoft Entra authentication and authorization error codes".
"""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from sspr.simulated.assertions import SignInError, check_assertion
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.errors import GraphError, Json, unauthenticated
from sspr.simulated.state import GRAPH_HOSTS, App, State
from sspr.simulated.tenant import GRAPH_APP_ID
from sspr.simulated.wire import Caller

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NO_TENANT = ("common", "organizations", "consumers")


class SignIn:
    """Issues tokens for the state's applications and knows again the ones it issued."""

    def __init__(self, state: State, behaviour: Callable[[], Behaviour], clock: Callable[[], float]) -> None:
        self._state, self._behaviour, self._clock = state, behaviour, clock
        self._key = _signing_key()
        self._key_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self._issued: dict[str, Caller] = {}
        self._revoked: set[str] = set()
        self._chance = random.Random(f"{behaviour().seed}:lifetime")

    # Discovery ------------------------------------------------------------------------------------------------

    def openid_configuration(self, tenant: str, base: str) -> Json:
        """The metadata of a tenant (GUID or domain). Raises AADSTS90002 for one that does not exist."""
        shown = self._state.tenant_id if self._tenant(tenant) else tenant
        authority = f"{base}/{shown}"
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
            "msgraph_host": GRAPH_HOSTS[self._state.cloud],
        }

    def instance_discovery(self, query: Mapping[str, str], base: str) -> Json:
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

    def keys(self) -> Json:
        """The public key that signs the tokens, as a JSON web key set."""
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {
            "keys": [{**{name: key[name] for name in ("kty", "n", "e")}, "use": "sig", "kid": self._key_id}]
        }

    def error_body(self, error: SignInError, correlation: str) -> Json:
        """The JSON body of a refusal."""
        trace = str(uuid.uuid4())
        at = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        return {
            "error": error.error,
            "error_description": f"AADSTS{error.code}: {error.text} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {at}",
            "error_codes": [error.code],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
        }

    # Tokens ---------------------------------------------------------------------------------------------------

    def token(self, tenant: str, form: Mapping[str, str], base: str) -> Json:
        """The client credentials flow. Raises :class:`SignInError`."""
        if not self._tenant(tenant):
            raise SignInError(
                "invalid_request",
                50059,
                "No tenant-identifying information found in either the "
                "request or implied by any provided credentials.",
            )
        for name in ("grant_type", "client_id", "scope"):
            if not form.get(name):
                raise SignInError(
                    "invalid_request",
                    900144,
                    f"The request body must contain the following parameter: '{name}'.",
                )
        if form["grant_type"] != "client_credentials":
            raise SignInError(
                "unsupported_grant_type",
                70003,
                f"The app requested an unsupported grant type '{form['grant_type']}'.",
            )
        app = self._state.app(form["client_id"])
        if app is None:
            raise SignInError(
                "unauthorized_client",
                700016,
                f"Application with identifier '{form['client_id']}' was not found in the directory "
                f"'{self._state.display_name}'. This can happen if the application has not been "
                "installed by the administrator of the tenant.",
            )
        if app.disabled:
            raise SignInError(
                "unauthorized_client",
                7000112,
                f"Application '{app.client_id}'({app.display_name}) is disabled.",
            )
        self._authenticate(app, form, f"{base}/{tenant}/oauth2/v2.0/token")
        self._check_scope(form["scope"], base)
        return self._issue(app, form)

    def _tenant(self, tenant: str) -> bool:
        """True for this tenant, False for one of the names that mean any. Raises for another."""
        named = tenant.casefold()
        if named in _NO_TENANT:
            return False
        if named != self._state.tenant_id.casefold() and all(
            named != domain.name.casefold() for domain in self._state.domains
        ):
            raise SignInError(
                "invalid_tenant",
                90002,
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
                "signing into the correct cloud. Check with your subscription administrator, this may "
                "happen if there are no active subscriptions for the tenant.",
            )
        return True

    def _authenticate(self, app: App, form: Mapping[str, str], endpoint: str) -> None:
        if form.get("client_assertion"):
            if form.get("client_assertion_type") != _ASSERTION:
                raise SignInError(
                    "invalid_request",
                    900144,
                    "The request body must contain the following parameter: 'client_assertion_type'.",
                )
            check_assertion(app, form["client_assertion"], endpoint, self._state.tenant_id, self._clock())
        elif form.get("client_secret"):
            if form["client_secret"] in app.expired_secrets:
                raise SignInError(
                    "invalid_client",
                    7000222,
                    f"The provided client secret keys for app '{app.client_id}' are expired.",
                    401,
                )
            if form["client_secret"] not in app.secrets:
                raise SignInError(
                    "invalid_client",
                    7000215,
                    "Invalid client secret provided. Ensure the secret being "
                    "sent in the request is the client secret value, not the client secret ID, for a "
                    f"secret added to app '{app.client_id}'.",
                    401,
                )
        else:
            raise SignInError(
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: "
                "'client_assertion' or 'client_secret'.",
                401,
            )

    def _check_scope(self, scope: str, base: str) -> None:
        resource, dot, _ = scope.rpartition("/.default")
        if not dot or " " in scope or scope != f"{resource}/.default":
            raise SignInError(
                "invalid_scope",
                70011,
                "The provided request must include a 'scope' input parameter. "
                f"The provided value for the input parameter 'scope' is not valid. The scope {scope} is "
                "not valid.",
            )
        graph = {
            f"https://{GRAPH_HOSTS[self._state.cloud]}",
            base,
            base.replace("127.0.0.1", "localhost"),
            GRAPH_APP_ID,
        }
        if resource.rstrip("/") not in graph:
            raise SignInError(
                "invalid_resource",
                500011,
                f"The resource principal named {resource} was not found in "
                f"the tenant named {self._state.display_name}.",
            )

    def _issue(self, app: App, form: Mapping[str, str]) -> Json:
        now = self._clock()
        # Entra ID draws 60 to 90 minutes.
        lifetime = self._behaviour().token_lifetime or self._chance.randint(3_600, 5_400)
        capable = "cp1" in form.get("claims", "")
        claims: dict[str, Any] = {
            "aud": f"https://{GRAPH_HOSTS[self._state.cloud]}",
            "iss": f"https://sts.windows.net/{self._state.tenant_id}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + lifetime,
            "appid": app.client_id,
            "app_displayname": app.display_name,
            "idtyp": "app",
            "oid": app.object_id,
            "sub": app.object_id,
            "tid": self._state.tenant_id,
            "ver": "1.0",
            "uti": uuid.uuid4().hex,
            "wids": [*app.directory_roles, "0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
        }
        if app.permissions:
            claims["roles"] = list(app.permissions)
        if capable:
            claims["xms_cc"] = ["cp1"]
        token = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})
        self._issued[token] = Caller(
            app.client_id,
            app.object_id,
            frozenset(app.permissions),
            frozenset(app.directory_roles),
            now + lifetime,
            capable,
        )
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": token,
        }

    # Checking -------------------------------------------------------------------------------------------------

    def caller(self, authorization: str | None) -> Caller:
        """Who sent this Authorization header. Raises 401 with Graph's texts."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthenticated("Access token is empty.")
        caller = self._issued.get(token)
        if caller is None:
            try:
                claims = jwt.decode(token, options={"verify_signature": False})
            except jwt.InvalidTokenError:
                raise unauthenticated("IDX14100: JWT is not well formed.") from None
            wrong = claims.get("aud") != f"https://{GRAPH_HOSTS[self._state.cloud]}"
            raise unauthenticated(
                "Access token validation failure. "
                + ("Invalid audience." if wrong else "Signature is invalid.")
            )
        if self._clock() >= caller.expires:
            raise unauthenticated("Lifetime validation failed, the token is expired.")
        if token in self._revoked:
            if caller.accepts_challenges:
                raise claims_challenge(self._clock())
            raise unauthenticated("Access token validation failure. The token has been revoked.")
        return caller

    def revoke(self) -> None:
        """Makes every token issued so far worthless. Clients that declared cp1 are given a claims challenge."""
        self._revoked.update(self._issued)


def claims_challenge(now: float) -> GraphError:
    """401 of continuous access evaluation: the claims, base64, stand in WWW-Authenticate."""
    claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(now))}}})
    error = unauthenticated(
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and "
        "code: TokenCreatedWithOutdatedPolicies"
    )
    error.headers["WWW-Authenticate"] += (
        f', error="insufficient_claims", claims="{base64.b64encode(claims.encode()).decode()}"'
    )
    return error


@cache
def _signing_key() -> rsa.RSAPrivateKey:
    """One key for all tenants of a process, since a tenant knows its own tokens anyway and a key takes its time."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
