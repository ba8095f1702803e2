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
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from sspr.simulated import discovery
from sspr.simulated.assertions import SignInError, check_assertion
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.errors import GraphError, Json, unauthenticated
from sspr.simulated.people import DEVICE_CODE, REFRESH_TOKEN, People
from sspr.simulated.state import GRAPH_HOSTS, Account, App, State
from sspr.simulated.tenant import GRAPH_APP_ID
from sspr.simulated.wire import Caller

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# In `wids` beside the roles: of every application, and of every user.
_APPLICATION = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"
_USER = "b79fbf4d-3ef9-4689-8143-76b194e85509"
LIFETIME = "Lifetime validation failed, the token is expired."
REVOKED = "Access token validation failure. The token has been revoked."
_ABOUT_THE_PERSON = frozenset({"openid", "profile", "email", "offline_access"})
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
        self.people = People(state, clock)

    # Discovery ------------------------------------------------------------------------------------------------

    def openid_configuration(self, tenant: str, base: str) -> Json:
        """The metadata of a tenant (GUID or domain). Raises AADSTS90002 for one that does not exist."""
        shown = self._state.tenant_id if self._tenant(tenant) else tenant
        return discovery.openid_configuration(f"{base}/{shown}", base, GRAPH_HOSTS[self._state.cloud])

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
        """The token endpoint: for the application itself, or for a person in it. Raises :class:`SignInError`."""
        if not self._tenant(tenant):
            raise SignInError(
                "invalid_request",
                50059,
                "No tenant-identifying information found in either the "
                "request or implied by any provided credentials.",
            )
        grant = form.get("grant_type")
        _need(form, "grant_type", "client_id", *(() if grant == DEVICE_CODE else ("scope",)))
        app = self._app(form["client_id"])
        if grant == "client_credentials":
            self._authenticate(app, form, f"{base}/{tenant}/oauth2/v2.0/token")
            self._check_scope(form["scope"], base)
            return self._issue(app, form)
        if grant not in (DEVICE_CODE, REFRESH_TOKEN):
            raise SignInError(
                "unsupported_grant_type",
                70003,
                f"The app requested an unsupported grant type '{grant}'.",
            )
        if not app.public_client:
            self._authenticate(app, form, f"{base}/{tenant}/oauth2/v2.0/token")
        if grant == DEVICE_CODE:
            _need(form, "device_code")
            return self._issue(app, form, self.people.arrived(app, form["device_code"]))
        _need(form, "refresh_token")
        self._check_person_scope(form["scope"], base)
        return self._issue(app, form, self.people.returned(app, form["refresh_token"]))

    def device_code(self, tenant: str, form: Mapping[str, str], base: str) -> Json:
        """Begins a sign-in by device code. Raises :class:`SignInError`."""
        self._tenant(tenant)
        _need(form, "client_id", "scope")
        app = self._app(form["client_id"])
        self._check_person_scope(form["scope"], base)
        return self.people.begin(app, base)

    def managed_identity(self, app: App, resource: str, base: str) -> Json:
        """What the endpoint of a machine answers for its identity. Raises :class:`SignInError`."""
        self._check_scope(f"{resource.rstrip('/')}/.default", base)
        issued = self._issue(app, {})
        return {
            "access_token": issued["access_token"],
            "expires_on": str(int(self._clock()) + issued["expires_in"]),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": app.client_id,
        }

    def _app(self, client_id: str) -> App:
        app = self._state.app(client_id)
        if app is None:
            raise SignInError(
                "unauthorized_client",
                700016,
                f"Application with identifier '{client_id}' was not found in the directory "
                f"'{self._state.display_name}'. This can happen if the application has not been "
                "installed by the administrator of the tenant.",
            )
        if app.disabled:
            raise SignInError(
                "unauthorized_client",
                7000112,
                f"Application '{app.client_id}'({app.display_name}) is disabled.",
            )
        return app

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

    def _check_person_scope(self, scope: str, base: str) -> None:
        """`…/.default` beside what OpenID Connect asks about the person."""
        self._check_scope(" ".join(sorted(set(scope.split()) - _ABOUT_THE_PERSON)), base)

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

    def _issue(self, app: App, form: Mapping[str, str], account: Account | None = None) -> Json:
        """A token of the application; with an account, one of that person in the application."""
        now = self._clock()
        # Entra ID draws 60 to 90 minutes.
        lifetime = self._behaviour().token_lifetime or self._chance.randint(3_600, 5_400)
        capable = "cp1" in form.get("claims", "")
        holder = account.id if account else app.object_id
        roles = self._state.roles_of(account.id) if account else app.directory_roles
        claims: dict[str, Any] = {
            "aud": f"https://{GRAPH_HOSTS[self._state.cloud]}",
            "iss": f"https://sts.windows.net/{self._state.tenant_id}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + lifetime,
            "appid": app.client_id,
            "app_displayname": app.display_name,
            "idtyp": "user" if account else "app",
            "oid": holder,
            "sub": holder,
            "tid": self._state.tenant_id,
            "ver": "1.0",
            "uti": uuid.uuid4().hex,
            "wids": [*roles, _USER if account else _APPLICATION],
        }
        if account is not None:
            claims |= {"upn": account.upn, "scp": " ".join(app.delegated)}
        elif app.permissions:
            claims["roles"] = list(app.permissions)
        if capable:
            claims["xms_cc"] = ["cp1"]
        token = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})
        self._issued[token] = Caller(
            app.client_id,
            holder,
            frozenset(app.delegated if account else app.permissions),
            frozenset(roles),
            now + lifetime,
            capable,
        )
        answer: Json = {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": token,
        }
        return answer if account is None else answer | self._about(account, app, claims)

    def _about(self, account: Account, app: App, claims: Mapping[str, Any]) -> Json:
        """What a person's application gets beside the access token."""
        told = {name: claims[name] for name in ("iss", "iat", "exp", "sub", "oid", "tid")}
        told |= {"aud": app.client_id, "preferred_username": account.upn}
        info = json.dumps({"uid": account.id, "utid": self._state.tenant_id}).encode()
        return {
            "scope": f"{claims['aud']}/.default",
            "refresh_token": self.people.admit(app, account),
            "id_token": jwt.encode(told, self._key, algorithm="RS256", headers={"kid": self._key_id}),
            "client_info": base64.urlsafe_b64encode(info).decode().rstrip("="),
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
            raise unauthenticated(LIFETIME)
        if token in self._revoked:
            if caller.accepts_challenges:
                raise claims_challenge(self._clock())
            raise unauthenticated(REVOKED)
        return caller

    def expire(self) -> None:
        """Ends the life of every token issued so far."""
        now = self._clock()
        self._issued = {token: replace(caller, expires=now) for token, caller in self._issued.items()}

    def revoke(self) -> None:
        """Makes every token issued so far worthless. Clients that declared cp1 are given a claims challenge."""
        self._revoked.update(self._issued)


def _need(form: Mapping[str, str], *names: str) -> None:
    for name in names:
        if not form.get(name):
            raise SignInError(
                "invalid_request",
                900144,
                f"The request body must contain the following parameter: '{name}'.",
            )


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
