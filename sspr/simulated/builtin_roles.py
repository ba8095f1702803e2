"""Built-in directory roles by template id (learn.microsoft.com, "Microsoft Entra built-in roles"), and who may
change an administrator's contact data ("Who can perform sensitive actions" on the page of the user resource).
"""

from __future__ import annotations

from collections.abc import Collection

GLOBAL = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_AUTHENTICATION = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
AUTHENTICATION = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
USER = "fe930be7-5e62-47db-91af-98c3a49a38b1"
PRIVILEGED_ROLE = "e8611ab8-c189-46e8-94e1-60213ab1f814"
HELPDESK = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
PASSWORD = "966707d0-3269-4727-9be2-8c3a10f19b9d"
GROUPS = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
GUEST_INVITER = "95e79109-95c0-4d8e-aee3-d01accf2d47b"
MESSAGE_CENTER_READER = "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b"
REPORTS_READER = "4a5d8f65-41da-4de4-8968-e035b65339cf"
USAGE_READER = "75934031-6c7e-415a-99d7-48dbd49e875e"

BUILT_IN = {
    GLOBAL: "Global Administrator",
    PRIVILEGED_AUTHENTICATION: "Privileged Authentication Administrator",
    AUTHENTICATION: "Authentication Administrator",
    USER: "User Administrator",
    PRIVILEGED_ROLE: "Privileged Role Administrator",
    HELPDESK: "Helpdesk Administrator",
    PASSWORD: "Password Administrator",
    GROUPS: "Groups Administrator",
    DIRECTORY_READERS: "Directory Readers",
    GLOBAL_READER: "Global Reader",
    GUEST_INVITER: "Guest Inviter",
    MESSAGE_CENTER_READER: "Message Center Reader",
    REPORTS_READER: "Reports Reader",
    USAGE_READER: "Usage Summary Reports Reader",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "69091246-20e8-4a56-aa4d-066075b2a7a8": "Teams Administrator",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
    "3a2c62db-5318-420d-8d74-23affee5d9d5": "Intune Administrator",
    "b0f54661-2d74-4c50-afa3-1ec803f12efe": "Billing Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "4d6ac14f-3453-41d0-bef9-a3e0c569773a": "License Administrator",
    "5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader",
    "11648597-926c-4cf3-9c36-bcebb0ba8dcc": "Power Platform Administrator",
}

_MINOR = {DIRECTORY_READERS, GUEST_INVITER, MESSAGE_CENTER_READER, PASSWORD, REPORTS_READER, USAGE_READER}
_STRONGEST = {PRIVILEGED_AUTHENTICATION, GLOBAL}


def may_change_contacts(caller: Collection[str], target: Collection[str]) -> bool:
    """Whether a caller with these roles may change otherMails, mobilePhone and the like of an account with those.

    The rows of Microsoft's table, tenant scope. A role that the table does not name counts like its last row:
    Privileged Authentication Administrator or Global Administrator only. For a target without any role the
    Graph permission is enough.
    """
    allowed = set(_STRONGEST) | {AUTHENTICATION, USER}
    for role in target:
        if role in _MINOR:
            continue
        if role == AUTHENTICATION:
            allowed &= _STRONGEST | {AUTHENTICATION}
        elif role in (GROUPS, HELPDESK, USER):
            allowed &= _STRONGEST | {USER}
        else:
            allowed &= _STRONGEST
    return not target or bool(allowed & set(caller))
