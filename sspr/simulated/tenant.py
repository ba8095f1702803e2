"""The tenant itself: organization, domains, the applications' service principals and what they were granted."""

from __future__ import annotations

import uuid

from sspr.simulated import odata
from sspr.simulated.errors import Json, not_found
from sspr.simulated.filters import prop
from sspr.simulated.permissions import APP_ROLES
from sspr.simulated.state import App, State
from sspr.simulated.store import Store
from sspr.simulated.wire import Answer, Call

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
_BY_APP = {"appId": prop("eq in"), "displayName": prop("eq startswith"), "id": prop("eq in")}
_PRINCIPAL = (
    "id",
    "appId",
    "displayName",
    "servicePrincipalType",
    "accountEnabled",
    "appRoles",
    "appOwnerOrganizationId",
    "signInAudience",
)
# Of the organization: readable, and always null or [].
_NO_VALUE = (
    "city",
    "country",
    "postalCode",
    "state",
    "street",
    "preferredLanguage",
    "defaultUsageLocation",
    "partnerTenantType",
    "privacyProfile",
)
_NO_VALUES = (
    "marketingNotificationEmails",
    "securityComplianceNotificationMails",
    "securityComplianceNotificationPhones",
    "provisionedPlans",
)
# Properties of a service principal that Graph has and this tenant does not.
_BEYOND = {
    "addIns", "alternativeNames", "appDescription", "appDisplayName", "appRoleAssignmentRequired",
    "applicationTemplateId", "createdByAppId", "customSecurityAttributes", "deletedDateTime", "description",
    "disabledByMicrosoftStatus", "homepage", "info", "isDisabled", "keyCredentials", "loginUrl", "logoutUrl",
    "notes", "notificationEmailAddresses", "oauth2PermissionScopes", "passwordCredentials",
    "preferredSingleSignOnMode", "preferredTokenSigningKeyThumbprint", "replyUrls",
    "resourceSpecificApplicationPermissions", "samlSingleSignOnSettings", "servicePrincipalNames", "tags",
    "tokenEncryptionKeyId", "verifiedPublisher",
}  # fmt: skip


def object_id(state: State, name: str) -> str:
    """A stable object id of this tenant for something that the state does not hold itself."""
    return str(uuid.uuid5(uuid.UUID(state.tenant_id), name))


def get_organization(call: Call, store: Store) -> Answer:
    """GET /organization: a collection of one."""
    call.only("select")
    state = store.state
    row: Json = {
        "id": state.tenant_id,
        "displayName": state.display_name,
        "createdDateTime": "2019-05-02T09:00:00Z",
        "deletedDateTime": None,
        "countryLetterCode": "US",
        "onPremisesSyncEnabled": state.synced_from_on_premises or None,
        "onPremisesLastSyncDateTime": None,
        "tenantType": "AAD",
        "technicalNotificationMails": [],
        "businessPhones": [],
        **dict.fromkeys(_NO_VALUE),
        **{name: [] for name in _NO_VALUES},
        "assignedPlans": _plans(state),
        "verifiedDomains": [
            {
                "name": domain.name,
                "isDefault": domain.is_default,
                "isInitial": domain.is_initial,
                "type": "Federated" if domain.federated else "Managed",
                "capabilities": "Email, OfficeCommunicationsOnline",
            }
            for domain in state.domains
        ],
    }
    names = odata.selected(call, row, "organization", ("mobileDeviceManagementAuthority",))
    return Answer(200, odata.whole(call, [row], context="organization", names=names))


def _plans(state: State) -> list[Json]:
    plans = {
        "free": (),
        "P1": ("41781fb2-bc02-4b7c-bd55-b576c07bb09d",),
        "P2": ("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "eec0eb4f-6444-4f95-aba0-50c24d67f998"),
    }
    return [
        {
            "assignedDateTime": "2019-05-02T09:00:00Z",
            "capabilityStatus": "Enabled",
            "service": "AADPremiumService",
            "servicePlanId": plan,
        }
        for plan in plans[state.license]
    ]


def list_domains(call: Call, store: Store) -> Answer:
    """GET /domains."""
    call.only("select", "top", "skiptoken")
    rows = [
        {
            "id": domain.name,
            "authenticationType": "Federated" if domain.federated else "Managed",
            "availabilityStatus": None,
            "isAdminManaged": True,
            "isDefault": domain.is_default,
            "isInitial": domain.is_initial,
            "isRoot": True,
            "isVerified": True,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
            "state": None,
            "manufacturer": None,
            "model": None,
            "passwordNotificationWindowInDays": None,
            "passwordValidityPeriodInDays": None,
        }
        for domain in store.state.domains
    ]
    names = odata.selected(call, rows[0], "domain")
    return Answer(
        200, odata.page(call, rows, context="domains", size=store.behaviour().page_size, names=names)
    )


def list_service_principals(call: Call, store: Store) -> Answer:
    """GET /servicePrincipals."""
    call.only("select", "filter", "top", "skiptoken", "count")
    names = odata.selected(call, _PRINCIPAL, "servicePrincipal", _BEYOND)
    chosen = odata.read_filter(call, _BY_APP, "ServicePrincipal", _BEYOND.union(_PRINCIPAL))
    rows = [row for row in _principals(store.state) if chosen is None or chosen.test(row)]
    return Answer(
        200,
        odata.page(call, rows, context="servicePrincipals", size=store.behaviour().page_size, names=names),
    )


def get_service_principal(call: Call, store: Store) -> Answer:
    """GET /servicePrincipals/{id} and /servicePrincipals(appId='…')."""
    call.only("select")
    names = odata.selected(call, _PRINCIPAL, "servicePrincipal", _BEYOND)
    return Answer(
        200, odata.entity(call, _principal_of(call, store), context="servicePrincipals", names=names)
    )


def list_granted(call: Call, store: Store) -> Answer:
    """GET …/appRoleAssignments: the application permissions granted to a service principal."""
    call.only("top", "skiptoken")
    principal = _principal_of(call, store)
    app = store.state.app(principal["appId"])
    graph = _graph(store.state)
    rows = [
        {
            "id": object_id(store.state, f"grant:{principal['id']}:{name}"),
            "deletedDateTime": None,
            "appRoleId": APP_ROLES[name],
            "createdDateTime": "2024-01-15T08:00:00Z",
            "principalDisplayName": principal["displayName"],
            "principalId": principal["id"],
            "principalType": "ServicePrincipal",
            "resourceDisplayName": graph["displayName"],
            "resourceId": graph["id"],
        }
        for name in (app.permissions if app else ())
        if name in APP_ROLES
    ]
    return Answer(200, odata.page(call, rows, context="appRoleAssignments", size=store.behaviour().page_size))


def _principal_of(call: Call, store: Store) -> Json:
    key = call.params["principal"]
    by, wanted = ("appId", key.removeprefix("appId=")) if key.startswith("appId=") else ("id", key)
    row = next((row for row in _principals(store.state) if row[by] == wanted.lower()), None)
    if row is None:
        raise not_found(wanted)
    return row


def _principals(state: State) -> list[Json]:
    return [*map(_principal, state.apps), _graph(state)]


def _principal(app: App) -> Json:
    return {
        "id": app.object_id,
        "appId": app.client_id,
        "displayName": app.display_name,
        "servicePrincipalType": "Application",
        "accountEnabled": not app.disabled,
        "appRoles": [],
        "appOwnerOrganizationId": None,
        "signInAudience": "AzureADMyOrg",
    }


def _graph(state: State) -> Json:
    roles = [
        {
            "id": key,
            "value": name,
            "displayName": name,
            "description": name,
            "isEnabled": True,
            "allowedMemberTypes": ["Application"],
            "origin": "Application",
        }
        for name, key in APP_ROLES.items()
    ]
    return {
        "id": object_id(state, "servicePrincipal:graph"),
        "appId": GRAPH_APP_ID,
        "displayName": "Microsoft Graph",
        "servicePrincipalType": "Application",
        "accountEnabled": True,
        "appRoles": roles,
        "appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
        "signInAudience": "AzureADMultipleOrgs",
    }
