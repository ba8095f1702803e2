"""The authorization policy, a singleton. learn.microsoft.com, "authorizationPolicy resource type"."""

from __future__ import annotations

from dataclasses import replace

from sspr.simulated import odata
from sspr.simulated.errors import Json, bad_request, not_simulated
from sspr.simulated.state import Policy
from sspr.simulated.store import Store
from sspr.simulated.wire import Answer, Call

# The rest of the policy: readable, fixed, refused in a PATCH as not simulated.
_FIXED: Json = {
    "displayName": "Authorization Policy",
    "description": "Used to manage authorization related settings across the company.",
    "allowInvitesFrom": "adminsAndGuestInviters",
    "allowedToSignUpEmailBasedSubscriptions": True,
    "allowEmailVerifiedUsersToJoinOrganization": False,
    "allowUserConsentForRiskyApps": False,
    "blockMsolPowerShell": True,
    "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
    "defaultUserRolePermissions": {
        "allowedToCreateApps": True,
        "allowedToCreateSecurityGroups": True,
        "allowedToCreateTenants": True,
        "allowedToReadBitlockerKeysForOwnedDevice": True,
        "allowedToReadOtherUsers": True,
        "permissionGrantPoliciesAssigned": [],
    },
}


def _view(policy: Policy) -> Json:
    return {
        "id": "authorizationPolicy",
        "deletedDateTime": None,
        "allowedToUseSSPR": policy.sspr,
        **_FIXED,
    }


def get_policy(call: Call, store: Store) -> Answer:
    """GET /policies/authorizationPolicy."""
    call.only("select")
    view = _view(store.policy())
    names = odata.selected(call, view, "authorizationPolicy")
    context = f"{call.root}/$metadata#policies/authorizationPolicy/$entity"
    return Answer(200, {"@odata.context": context, **odata.pick(view, names)})


def update_policy(call: Call, store: Store) -> Answer:
    """PATCH /policies/authorizationPolicy: 204. allowedToUseSSPR is a Boolean and cannot be null."""
    policy = store.state.policy
    for name, value in call.json_object().items():
        if name.startswith("@"):
            continue
        if name in _FIXED:
            raise not_simulated(f"another {name}")
        if name != "allowedToUseSSPR":
            raise bad_request(
                f"The property '{name}' does not exist on type 'microsoft.graph.authorizationPolicy'.",
                "BadRequest",
            )
        if not isinstance(value, bool):
            raise bad_request(
                "Invalid value specified for property 'allowedToUseSSPR' of resource 'AuthorizationPolicy'."
            )
        policy = replace(policy, sspr=value)
    store.write_policy(policy)
    return Answer(204)
