"""Application permissions of Microsoft Graph: which of them opens which door, and their app role ids.

Source: "Permissions" of each operation's page and the permissions reference on learn.microsoft.com.
"""

from __future__ import annotations

import uuid

USERS_READ = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
USERS_READ_BASIC = ("User.ReadBasic.All", *USERS_READ)
USERS_WRITE = ("User.ReadWrite.All", "Directory.ReadWrite.All")
# What each sensitive property accepts beside USERS_WRITE.
PROPERTY_WRITE = {
    "otherMails": ("User-Mail.ReadWrite.All",),
    "mobilePhone": ("User-Phone.ReadWrite.All",),
    "businessPhones": ("User-Phone.ReadWrite.All",),
    "accountEnabled": ("User.EnableDisableAccount.All",),
}
USERS_PATCH = (*USERS_WRITE, *dict.fromkeys(name for names in PROPERTY_WRITE.values() for name in names))
METHODS_READ = ("UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All")
METHODS_WRITE = ("UserAuthenticationMethod.ReadWrite.All",)
PHONES_READ = ("UserAuthMethod-Phone.Read.All", "UserAuthMethod-Phone.ReadWrite.All", *METHODS_READ)
PHONES_WRITE = ("UserAuthMethod-Phone.ReadWrite.All", *METHODS_WRITE)
EMAILS_READ = ("UserAuthMethod-Email.Read.All", "UserAuthMethod-Email.ReadWrite.All", *METHODS_READ)
EMAILS_WRITE = ("UserAuthMethod-Email.ReadWrite.All", *METHODS_WRITE)
POLICY_READ = ("Policy.Read.All", "Policy.ReadWrite.Authorization")
POLICY_WRITE = ("Policy.ReadWrite.Authorization",)
DIRECTORY_READ = ("Directory.Read.All", "Directory.ReadWrite.All")
ROLES_READ = ("RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", *DIRECTORY_READ)
ROLE_DEFINITIONS_READ = (*ROLES_READ, "RoleManagement.Read.All")
_ROLE_SCHEDULES = (
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "RoleManagement.Read.All",
)
ELIGIBILITY_READ = (
    "RoleEligibilitySchedule.Read.Directory",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    *_ROLE_SCHEDULES,
)
ASSIGNMENT_SCHEDULES_READ = (
    "RoleAssignmentSchedule.Read.Directory",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    *_ROLE_SCHEDULES,
)
MEMBERS_READ = (
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadBasic.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
)
REPORTS_READ = ("AuditLog.Read.All",)
ORGANIZATION_READ = ("Organization.Read.All", "Organization.ReadWrite.All", "User.Read.All", *DIRECTORY_READ)
DOMAINS_READ = ("Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All")
APPS_READ = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    *DIRECTORY_READ,
)

# What a full run of sspr asks for.
USUAL = (
    "User.Read.All",
    "User-Mail.ReadWrite.All",
    "User-Phone.ReadWrite.All",
    "UserAuthenticationMethod.ReadWrite.All",
    "Policy.Read.All",
    "Policy.ReadWrite.Authorization",
    "RoleManagement.Read.Directory",
    "GroupMember.Read.All",
    "Organization.Read.All",
    "Domain.Read.All",
    "Application.Read.All",
    "AuditLog.Read.All",
)

_PUBLISHED = {
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
    "User-Mail.ReadWrite.All": "280d0935-0796-47d1-8d26-273470a3f17a",
    "User-Phone.ReadWrite.All": "86ceff06-c822-49ff-989a-d912845ffe69",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "UserAuthenticationMethod.Read.All": "38d9df27-64da-44fd-b7c5-a6fbac20248f",
    "UserAuthenticationMethod.ReadWrite.All": "50483e42-d915-4231-9639-7fdb7fd190e5",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.ReadWrite.Authorization": "fb221be6-99f2-473f-bd32-01c6a0e9ca3b",
    "RoleManagement.Read.Directory": "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    "RoleEligibilitySchedule.Read.Directory": "ff278e11-4a33-4d0c-83d2-d01dc58929a5",
    "RoleAssignmentSchedule.Read.Directory": "d5fe8ce8-684c-4c83-a52c-46e882ce4be1",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
}
_ALL = {
    name
    for names in (
        USERS_READ_BASIC,
        USERS_PATCH,
        PHONES_READ,
        EMAILS_READ,
        POLICY_READ,
        ROLES_READ,
        ROLE_DEFINITIONS_READ,
        ELIGIBILITY_READ,
        ASSIGNMENT_SCHEDULES_READ,
        MEMBERS_READ,
        REPORTS_READ,
        ORGANIZATION_READ,
        DOMAINS_READ,
        APPS_READ,
    )
    for name in names
}
# Where the id is not at hand a stable invented one stands in; clients map ids by appRoles of Graph's principal.
APP_ROLES = {
    name: _PUBLISHED.get(name, str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.graph.microsoft.com")))
    for name in sorted(_ALL)
}
