"""One row → one contact, with all the reasons that the row itself gives. Pure; never raises."""

from __future__ import annotations

from sspr.contacts.account import FACTS, hearsay, own_address, read_account
from sspr.contacts.country import region
from sspr.contacts.email import read_email
from sspr.contacts.phone import read_phone
from sspr.model import Contact, Finding, Row


def judge(row: Row, default_country: str | None) -> Contact:
    """The contact of a row. `default_country` (code or name) is the region of numbers where the row has no country.

    A row whose country is no known one does not fall back to the default: it was meant to say something else.
    Nor is chosen between two countries that a row names.
    """
    if row.malformed is not None:
        return Contact("", findings=(Finding("row_malformed", row.malformed),))
    fields = row.fields
    account, account_findings = read_account(fields.get("user_principal_name", ""))
    email, email_findings = read_email(fields.get("alternate_email", ""))
    where = region(fields.get("country", ""))
    if where == "" and default_country:
        where = region(default_country)
    two_countries = (
        "other_country" in fields and bool(where) and region(fields["other_country"]) not in ("", None, where)
    )
    phone, phone_findings = read_phone(fields.get("mobile_phone", ""), None if two_countries else where)
    if two_countries:
        phone_findings = tuple(map(_of_two_countries, phone_findings))
    findings = (*account_findings, *email_findings, *own_address(email, account), *phone_findings)
    if not FACTS.isdisjoint(fields):
        findings = (*findings, *hearsay(fields))
    return Contact(account, email, phone, findings)


def _of_two_countries(finding: Finding) -> Finding:
    if finding.code != "phone_region_unknown":
        return finding
    return Finding(finding.code, "the row names two countries")
