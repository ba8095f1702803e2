"""The table of all reason codes. Messages, `[policy]`, `results.csv` and `docs/reason-codes.md` are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a reason does to its row: rejects it, is shown beside it, or is not mentioned."""

    ERROR = "error"
    WARN = "warn"
    IGNORE = "ignore"


class Loss(StrEnum):
    """What of the row cannot be written where the reason is given, whatever its severity."""

    NOTHING = ""
    EMAIL = "email"
    PHONE = "phone"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Code:
    """One reason.

    `column`: the canonical column it is said of, empty for the row or the tenant's answer. `severity`: the default.
    `text` says what is wrong, `mend` what to do, both to a person of the HR department; `why` is the
    rule behind it, `source` the document that says so.
    """

    code: str
    column: str
    severity: Severity
    loss: Loss
    text: str
    why: str
    mend: str
    source: str


UPN, EMAIL, PHONE = "user_principal_name", "alternate_email", "mobile_phone"
_ERROR, _WARN = Severity.ERROR, Severity.WARN

_SSPR_POLICY = "learn.microsoft.com, entra/identity/authentication/concept-sspr-policy"
_SSPR_DATA = "learn.microsoft.com, entra/identity/authentication/howto-sspr-authenticationdata"
_SSPR_HOW = "learn.microsoft.com, entra/identity/authentication/concept-sspr-howitworks"
_USER = "learn.microsoft.com, graph/api/resources/user"
_USER_UPDATE = "learn.microsoft.com, graph/api/user-update"
_PHONE_METHOD = "learn.microsoft.com, graph/api/resources/phoneauthenticationmethod"
_EMAIL_METHOD = "learn.microsoft.com, graph/api/resources/emailauthenticationmethod"
_NUMBERS = "Google libphonenumber, metadata of the ITU-T E.164 numbering plans"
_EXCEL = "support.microsoft.com, Keeping leading zeros and large numbers in Excel"
_MAIL_ADVICE = (
    "learn.microsoft.com, Authentication methods, Email address (an earlier edition): "
    "an email account that does not require the user's own password"
)
_OWN = "no document; a rule of this project"
_RFC_MAIL = "RFC 5321, section 4.1.2; RFC 5322, section 3.4.1"
_RFC_CSV = "RFC 4180, section 2"

CODES: tuple[Code, ...] = (
    Code(
        "upn_missing", UPN, _ERROR, Loss.ROW,
        "The account is blank.",
        "Without the account nobody knows whose contact data this is.",
        "Fill in the user principal name, the name with which the person signs in.",
        _USER,
    ),
    Code(
        "upn_invalid", UPN, _ERROR, Loss.ROW,
        "The account is not a user principal name, the name with which a person signs in.",
        "Such a name is name@domain, with at most 64 characters before the @ and 48 after it, and before it only "
        "A-Z a-z 0-9 ' . - _ ! # ^ ~.",
        "Copy the sign-in name from the admin center; names with lost or accented letters do not exist there.",
        _SSPR_POLICY,
    ),
    Code(
        "duplicate_row", UPN, _ERROR, Loss.ROW,
        "The row says the same as an earlier one of the same account.",
        "The first of the equal rows is carried out; writing it twice would change nothing.",
        "Nothing needs mending; delete the row if it disturbs.",
        _OWN,
    ),
    Code(
        "conflicting_rows", UPN, _ERROR, Loss.ROW,
        "Several rows give different contact data for the same account, so none of them was used.",
        "Which of them is right cannot be known, and a wrong one sends reset codes to a stranger.",
        "Keep the row that is right and delete the others.",
        _OWN,
    ),
    Code(
        "email_missing", EMAIL, _ERROR, Loss.EMAIL,
        "The alternate email is blank.",
        "An administrator needs two ways to prove who they are, and a blank cell never clears what is there.",
        "Fill in a private address that the person can read without signing in to work.",
        _SSPR_POLICY,
    ),
    Code(
        "email_invalid", EMAIL, _ERROR, Loss.EMAIL,
        "The alternate email cannot be a working address.",
        "Microsoft takes only complete addresses, of at most 250 characters and without accented letters before the @.",
        "Ask the person for the address and write it in full (name, @, domain), with nothing else in the cell.",
        f"{_RFC_MAIL}; {_USER}",
    ),
    Code(
        "email_multiple", EMAIL, _ERROR, Loss.EMAIL,
        "The alternate email holds more than one address.",
        "An account has one email for resets; which of these it should be is not ours to choose.",
        "Leave the one address that should receive the reset codes.",
        _EMAIL_METHOD,
    ),
    Code(
        "email_placeholder", EMAIL, _ERROR, Loss.EMAIL,
        "The alternate email is a placeholder, not somebody's address.",
        "A reset code sent there reaches nobody, or a stranger.",
        "Replace it with the person's private address.",
        "RFC 2606, section 2; common practice of HR systems",
    ),
    Code(
        "email_same_account", EMAIL, _ERROR, Loss.NOTHING,
        "The alternate email is the account's own mailbox.",
        "Whoever is locked out of the account cannot read a code that is sent into it.",
        "Use an address outside the account, such as a private one.",
        _MAIL_ADVICE,
    ),
    Code(
        "email_tenant_domain", EMAIL, _WARN, Loss.NOTHING,
        "The alternate email is one of the organization's own addresses.",
        "Whoever is locked out, or an outage of the organization's mail, may cut off that mailbox as well.",
        "Prefer an address outside the organization.",
        _MAIL_ADVICE,
    ),
    Code(
        "email_shared", EMAIL, _WARN, Loss.NOTHING,
        "Another account of the input uses the same alternate email.",
        "Everyone who reads that mailbox can reset each of these accounts.",
        "Give each administrator an address of their own.",
        _OWN,
    ),
    Code(
        "email_lookalike", EMAIL, _WARN, Loss.NOTHING,
        "The domain of the alternate email, the part after the @, may not be the one that is meant.",
        "It has letters that look like others, or is nearly a well-known provider's, or (looked up with "
        "--check-domains) takes no mail. A reset code sent there reaches nobody, or a stranger.",
        "Compare the part after the @ with the person's own, letter by letter, and correct it if it differs.",
        "Unicode Technical Standard 39, sections 4 and 5; RFC 5321, section 5.1; RFC 7505; slips: "
        "no document, a rule of this project",
    ),
    Code(
        "phone_missing", PHONE, _ERROR, Loss.PHONE,
        "The mobile phone is blank.",
        "An administrator needs two ways to prove who they are, and a blank cell never clears what is there.",
        "Fill in the person's mobile number, beginning with + and the country code.",
        _SSPR_POLICY,
    ),
    Code(
        "phone_invalid", PHONE, _ERROR, Loss.PHONE,
        "The mobile phone is not a number that can exist.",
        "A mistyped number may be a stranger's, who would receive the reset codes.",
        "Ask the person for the number and write it in digits, beginning with + and the country code.",
        _NUMBERS,
    ),
    Code(
        "phone_not_mobile", PHONE, _ERROR, Loss.PHONE,
        "The mobile phone is a number of another kind.",
        "The number is registered as the person's mobile phone, the only kind that receives codes as text messages.",
        "Give the person's mobile number.",
        f"{_PHONE_METHOD}; {_SSPR_POLICY}",
    ),
    Code(
        "phone_region_unknown", PHONE, _ERROR, Loss.PHONE,
        "It is not certain to which country the mobile phone belongs.",
        "The same digits are different people's numbers in different countries.",
        "Write the number with + and the country code, or fill in the person's country.",
        _SSPR_DATA,
    ),
    Code(
        "phone_damaged", PHONE, _ERROR, Loss.PHONE,
        "The mobile phone was damaged by a spreadsheet or an export.",
        "Excel keeps 15 digits and writes long numbers as 4.42E+11; the lost digits cannot be restored.",
        "Take the number from the source again, with the column formatted as text.",
        _EXCEL,
    ),
    Code(
        "phone_extension", PHONE, _ERROR, Loss.PHONE,
        "The mobile phone has an extension.",
        "Microsoft's password reset does not support extensions and removes them.",
        "Give the person's mobile number, without an extension.",
        _SSPR_DATA,
    ),
    Code(
        "phone_multiple", PHONE, _ERROR, Loss.PHONE,
        "The mobile phone holds more than one number.",
        "An account has one mobile phone; which of these it should be is not ours to choose.",
        "Leave the one number that should receive the reset codes.",
        _PHONE_METHOD,
    ),
    Code(
        "phone_shared", PHONE, _WARN, Loss.NOTHING,
        "Another account of the input uses the same mobile phone.",
        "Whoever holds that phone can take part in resetting each of these accounts.",
        "Give each administrator a number of their own.",
        _PHONE_METHOD,
    ),
    Code(
        "row_malformed", "", _ERROR, Loss.ROW,
        "The line does not fit the header of its file.",
        "With a cell too many or too few, a number may stand in somebody else's column.",
        "Compare the line with the header; a cell that itself contains the separator (such as a comma) needs quotes.",
        _RFC_CSV,
    ),
    Code(
        "user_not_found", UPN, _ERROR, Loss.ROW,
        "The organization has no account of this name.",
        "Microsoft knows accounts by their sign-in name (user principal name), which need not be the work email.",
        "Copy the sign-in name from the admin center; names that end in .local exist in the company's network only.",
        "learn.microsoft.com, graph/api/user-get",
    ),
    Code(
        "user_disabled", UPN, _WARN, Loss.NOTHING,
        "The account is blocked from signing in.",
        "A blocked account cannot reset its password, whatever contact data it has.",
        "Check whether the person still works here; unblock the account or delete the row.",
        _USER,
    ),
    Code(
        "user_is_guest", UPN, _ERROR, Loss.NOTHING,
        "The account is a guest.",
        "A guest's password is reset by the organization it comes from, not by this one.",
        "Delete the row, or name the person's own account.",
        _SSPR_HOW,
    ),
    Code(
        "not_an_administrator", UPN, _WARN, Loss.NOTHING,
        "The account holds no administrator role.",
        "The way of resetting that is set up here is open to accounts with an administrator role only.",
        "Check that this is the account with the role; many people have a separate one for administration.",
        _SSPR_POLICY,
    ),
    Code(
        "synced_from_on_premises", UPN, _ERROR, Loss.NOTHING,
        "The account is managed in the company's own directory and only copied to Microsoft's cloud.",
        "The property mobilePhone of such an account can be changed in that directory only; the methods that are "
        "registered for resets can be written here, with --target both or --target methods.",
        "For resets the methods are enough. Have the property changed in that directory.",
        _USER,
    ),
    Code(
        "email_replaces", EMAIL, _WARN, Loss.NOTHING,
        "The account has another alternate email; this one is put before it.",
        "Somebody may rely on what is there. The other addresses are kept behind the new one.",
        "Nothing is to be done if the new address is meant.",
        _USER_UPDATE,
    ),
    Code(
        "phone_replaces", PHONE, _WARN, Loss.NOTHING,
        "The account has another mobile phone, which this one takes the place of.",
        "Somebody may rely on what is there.",
        "Nothing is to be done if the new number is meant.",
        _USER_UPDATE,
    ),
    Code(
        "email_method_differs", EMAIL, _WARN, Loss.NOTHING,
        "The account has already registered another email for resets.",
        "A method that the person registered is theirs, so it is kept by default.",
        "Ask the person which is right; --replace-methods puts this one in its place.",
        _EMAIL_METHOD,
    ),
    Code(
        "phone_method_differs", PHONE, _WARN, Loss.NOTHING,
        "The account has already registered another mobile phone for resets.",
        "A method that the person registered is theirs, so it is kept by default.",
        "Ask the person which is right; --replace-methods puts this one in its place.",
        _PHONE_METHOD,
    ),
    Code(
        "sms_sign_in", PHONE, _WARN, Loss.NOTHING,
        "The mobile phone touches SMS sign-in, signing in with a number and a text message instead of a password.",
        "Where the organization lets people sign in so, Microsoft tries to make a number that is registered a sign-in "
        "name too, and only one account can have it. A run leaves SMS sign-in as it was.",
        "Nothing is to be done for resets. Who may sign in so is set in the admin center, Authentication methods, SMS.",
        _PHONE_METHOD,
    ),
    Code(
        "sms_ends", PHONE, _WARN, Loss.NOTHING,
        "Without the mobile phone the account has fewer than two methods for a reset, and Microsoft's text messages "
        "end.",
        "After that a number is of use only where the organization has a telephony provider of its own.",
        "Have the person register an authenticator app as well. Where there is such a provider, say so in "
        "tenants.toml: telephony_provider = true.",
        "learn.microsoft.com, entra/identity/authentication/concept-sms-voice-retirement; the date for Global "
        "Administrators: summaries of Microsoft's message MC1426371",
    ),
    Code(
        "changed_since_plan", "", _ERROR, Loss.ROW,
        "Somebody has changed the account meanwhile, so this was not written.",
        "A plan is carried out, and a run is undone, only where the account still holds what it held then.",
        "Look at the account; where the change is still wanted, make a new plan.",
        _USER_UPDATE,
    ),
    Code(
        "permission_denied", "", _ERROR, Loss.ROW,
        "Microsoft refused the change, because a permission is missing.",
        "To change an administrator's contact data an application needs both a permission and a directory role.",
        "Ask whoever set up the application to give it the permission and the role that docs/set-up.md lists for this.",
        "learn.microsoft.com, graph/api/resources/users, Who can perform sensitive actions",
    ),
    Code(
        "tenant_rejected", "", _ERROR, Loss.ROW,
        "Microsoft refused the change.",
        "The error that Microsoft gave stands beside it, with the request id that Microsoft's support asks for.",
        "Read the error, mend the row or the account, and run the file again.",
        "learn.microsoft.com, graph/errors",
    ),
    Code(
        "not_confirmed", "", _ERROR, Loss.ROW,
        "The change was sent, but reading the account back did not show it.",
        "A change counts as made only when it can be read; copies of the directory may lag.",
        "Run the file again in a few minutes: what has arrived is then unchanged.",
        "learn.microsoft.com, graph/best-practices-concept",
    ),
)  # fmt: skip
