"""The headers of every known export, older and newer, whole and cut down; and those of no known one."""

from __future__ import annotations

import pytest

from sspr.input import profiles, templates
from tests.input.heads import NEEDED, columns_of, read_text, refusal_of

EXPORTS: list[tuple[str, str, tuple[str | tuple[str, ...] | None, ...]]] = [
    (
        ("User Name,First Name,Last Name,Display Name,Job Title,Department,Office Number,Office Phone,Mobile Phone,Fax,"
        "Alternate email address,Address,City,State or Province,ZIP or Postal Code,Country or Region"),
        "m365-add-users",
        ("User Name", "Alternate email address", "Mobile Phone", "Country or Region"),
    ),
    (
        ("User Name,First Name,Last Name,Display Name,Job Title,Department,Office Number,Office Phone,Mobile Phone,Fax,"
        "Address,City,State or Province,ZIP or Postal Code,Country or Region,Private E-Mail"),
        "m365-add-users",
        ("User Name", "Private E-Mail", "Mobile Phone", "Country or Region"),
    ),
    (
        ("Display name,DirSyncEnabled,User principal name,Object Id,First name,Last name,When created,Title,Department,"
        "City,CountryOrRegion,Office,Usage location,Block credential,Licenses,Mobile Phone,Phone number,Fax,"
        "Alternate email address"),
        "m365-users-export",
        ("User principal name", "Alternate email address", "Mobile Phone", ("CountryOrRegion", "Usage location")),
    ),
    (
        ("Block credential;City;Country/Region;Department;DirSyncEnabled;Display name;Fax;First name;Last dirsync time;"
        "License assignment details;Mobile Phone;Oath token meta data;Object Id;Phone number;State;Usage location;"
        "User principal name;When created;Personal Email"),
        "m365-users-export",
        ("User principal name", "Personal Email", "Mobile Phone", ("Country/Region", "Usage location")),
    ),
    (
        ("Name [displayName] Required,User name [userPrincipalName] Required,Initial password [passwordProfile],"
        "Block sign in (Yes/No) [accountEnabled],Usage location [usageLocation],Country or region [country],"
        "Office phone [telephoneNumber],Mobile phone [mobile],Alternate email address"),
        "entra-bulk-create",
        (
            "User name [userPrincipalName] Required",
            "Alternate email address",
            "Mobile phone [mobile]",
            ("Country or region [country]", "Usage location [usageLocation]"),
        ),
    ),
    (
        ("Nom [displayName] Obligatoire,Utilisateur [userPrincipalName] Obligatoire,Bureau [telephoneNumber],"
        "Portable [mobile],Courriel personnel"),
        "entra-bulk-create",
        ("Utilisateur [userPrincipalName] Obligatoire", "Courriel personnel", "Portable [mobile]", None),
    ),
    (
        ("userPrincipalName,displayName,surname,mail,givenName,objectId,userType,accountEnabled,usageLocation,country,"
        "telephoneNumber,mobile,authenticationAlternativePhoneNumber,authenticationEmail,alternateEmailAddress"),
        "entra-users-download",
        ("userPrincipalName", "alternateEmailAddress", "mobile", ("country", "usageLocation")),
    ),
    (
        "userPrincipalName,displayName,authenticationPhoneNumber,authenticationAlternativePhoneNumber,authenticationEmail",
        "entra-users-download",
        ("userPrincipalName", "authenticationEmail", "authenticationPhoneNumber", None),
    ),
    (
        "Id,UserPrincipalName,DisplayName,Mail,MobilePhone,BusinessPhones,OtherMails,AccountEnabled,UsageLocation",
        "get-mguser",
        ("UserPrincipalName", "OtherMails", "MobilePhone", "UsageLocation"),
    ),
    (
        ("UserPrincipalName,DisplayName,MobilePhone,PhoneNumber,AlternateEmailAddresses,AlternateMobilePhones,"
        "BlockCredential,UsageLocation,Country"),
        "get-msoluser",
        ("UserPrincipalName", "AlternateEmailAddresses", "MobilePhone", ("Country", "UsageLocation")),
    ),
    (
        "SamAccountName;UserPrincipalName;EmailAddress;mobile;telephoneNumber;c;co;Enabled;Private E-Mail",
        "get-aduser",
        ("UserPrincipalName", "Private E-Mail", "mobile", ("c", "co")),
    ),
    (
        "UserPrincipalName,WindowsEmailAddress,DisplayName,Phone,MobilePhone,HomePhone,CountryOrRegion,AlternateEmail",
        "exchange-get-user",
        ("UserPrincipalName", "AlternateEmail", "MobilePhone", "CountryOrRegion"),
    ),
    (
        "Employee ID,Worker,User Name,Email - Primary Work,Email - Primary Home,Mobile Phone,Hire Date",
        "workday",
        ("User Name", "Email - Primary Home", "Mobile Phone", None),
    ),
    (
        "Employee_ID,Worker,Email_-_Primary_Work,Email_-_Primary_Home,Mobile_Phone",
        "workday",
        ("Email_-_Primary_Work", "Email_-_Primary_Home", "Mobile_Phone", None),
    ),
    (
        "STATUS,USERID,USERNAME,FIRSTNAME,LASTNAME,EMAIL,JOBCODE,BIZ_PHONE,CELL,COUNTRY,Alternate email address",
        "successfactors",
        ("USERNAME", "Alternate email address", "CELL", "COUNTRY"),
    ),
    (
        "id,employeeNumber,displayName,firstName,lastName,workEmail,homeEmail,mobilePhone,workPhone,homePhone,country",
        "bamboohr",
        ("workEmail", "homeEmail", "mobilePhone", "country"),
    ),
    (
        "Work Email,Home Email,Mobile Phone,User Name",
        "bamboohr",
        ("User Name", "Home Email", "Mobile Phone", None),
    ),
    (
        "Employee #,First Name,Last Name,Work Email,Home Email,Mobile Phone,Work Phone,Job Title,Hire Date",
        "bamboohr",
        ("Work Email", "Home Email", "Mobile Phone", None),
    ),
    (
        ("Associate ID,File Number,Position ID,Legal First Name,Personal Contact: Personal Email,"
        "Personal Contact: Personal Mobile,Work Contact: Work Email,Work Contact: Work Mobile,"
        "Primary Address: Country Code"),
        "adp-workforce-now",
        (
            "Work Contact: Work Email",
            "Personal Contact: Personal Email",
            "Personal Contact: Personal Mobile",
            "Primary Address: Country Code",
        ),
    ),
    (
        "Legal_Firstname,Legal_Lastname,Employee_Status,Primary_Phone,Personal_Email,UPN,Cell",
        "paycom",
        ("UPN", "Personal_Email", "Cell", None),
    ),
    (
        "firstName,lastName,emailAddress,emailAddressAlternate,homePhone,mobilePhone,addressCountry",
        "ukg-pro",
        ("emailAddress", "emailAddressAlternate", "mobilePhone", "addressCountry"),
    ),
    (
        "Person Number,First Name,Last Name,Phone 1,Phone 2,Email,Country,User Account Name,Home Email,Mobile",
        "ukg-wfm",
        ("User Account Name", "Home Email", "Mobile", "Country"),
    ),
    (
        "Full name,Display name,Email,Personal email,Personal mobile,Site",
        "hibob",
        ("Email", "Personal email", "Personal mobile", None),
    ),
    (
        "login,firstName,lastName,email,secondEmail,mobilePhone,primaryPhone,countryCode,userType,employeeNumber",
        "okta",
        ("login", "secondEmail", "mobilePhone", "countryCode"),
    ),
    (
        "profile.login,profile.email,profile.secondEmail,profile.mobilePhone,profile.countryCode",
        "okta",
        ("profile.login", "profile.secondEmail", "profile.mobilePhone", "profile.countryCode"),
    ),
    (
        ("First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Recovery Email,"
        "Home Secondary Email,Work Secondary Email,Recovery Phone [MUST BE IN THE E.164 FORMAT],Mobile Phone,Fax"),
        "google-workspace",
        ("Email Address [Required]", "Recovery Email", "Recovery Phone [MUST BE IN THE E.164 FORMAT]", None),
    ),
    (
        "First Name [Required];Email Address [Required];Status [READ ONLY];Home Secondary Email;Mobile Phone",
        "google-workspace",
        ("Email Address [Required]", "Home Secondary Email", "Mobile Phone", None),
    ),
    (
        "User Name,Work Email,Home Email,Recovery Email,Mobile No,Recovery Phone,Employee Number",
        "oracle-idcs",
        ("User Name", "Recovery Email", "Recovery Phone", None),
    ),
    (
        "User Principal Name;Alternate.Email;MOBILE_PHONE;Country",
        "canonical",
        ("User Principal Name", "Alternate.Email", "MOBILE_PHONE", "Country"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("header", "profile", "expected"), EXPORTS)
def test_exports_are_recognised_by_their_headers(
    header: str, profile: str, expected: tuple[str | tuple[str, ...] | None, ...]
) -> None:
    understood = read_text(header + "\n")
    columns = columns_of(understood)
    assert understood.profile == profile
    assert tuple(columns.get(column) for column in NEEDED) == expected
    assert profiles.profile(profile).title in understood.columns.notes[0]


@pytest.mark.parametrize(("header", "profile", "expected"), EXPORTS)
def test_our_rejected_file_of_an_export_is_recognised_as_the_export(
    header: str, profile: str, expected: tuple[str | tuple[str, ...] | None, ...]
) -> None:
    delimiter = ";" if ";" in header else ","
    first = read_text(header + "\n").columns.header
    again = read_text(delimiter.join((*first, "sspr_reason", "sspr_message")) + "\n")
    assert again.profile == profile
    assert again.columns.header == first
    assert again.columns.guarded
    assert tuple(columns_of(again).get(column) for column in NEEDED) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("UserPrincipalName,AlternateEmail,Mobile", ("UserPrincipalName", "AlternateEmail", "Mobile", None)),
        ("UPN,Personal Email,Cell Phone,Land", ("UPN", "Personal Email", "Cell Phone", "Land")),
        ("Name,Email,Private Email,Mobile", ("Email", "Private Email", "Mobile", None)),
        ("UPN,Work Email,Mail,Home Email,Mobile", ("UPN", "Home Email", "Mobile", None)),
        ("Work Email,UPN,Private Email,Work Mobile,Cell", ("UPN", "Private Email", "Cell", None)),
        ("Login,Private Email,Mobile Number,Office Phone", ("Login", "Private Email", "Mobile Number", None)),
        ("UPN,Private Email,Personal Mobile,Mobile Phone", ("UPN", "Private Email", "Personal Mobile", None)),
        ("Anmeldename;E-Mail privat;Handynummer;Land", ("Anmeldename", "E-Mail privat", "Handynummer", "Land")),
        ("E-Mail;Private E-Mail;Handy-Nr.;Länderkürzel", ("E-Mail", "Private E-Mail", "Handy-Nr.", "Länderkürzel")),
        ("UPN;Courriel personnel;Téléphone portable;Pays", ("UPN", "Courriel personnel", "Téléphone portable", "Pays")),
        ("UPN;Correo personal;Telefono movil;País", ("UPN", "Correo personal", "Telefono movil", "País")),
        ("UPN;E-mail personale;Cellulare;Paese", ("UPN", "E-mail personale", "Cellulare", "Paese")),
        ("UPN;Privé e-mail;Mobiel nummer;Landcode", ("UPN", "Privé e-mail", "Mobiel nummer", "Landcode")),
        ("\ufeffUPN,home\u00a0e\u2011mail,ｍobile\u200b", ("UPN", "home\u00a0e\u2011mail", "ｍobile\u200b", None)),
        ("UPN*,“Personal Email”,MOBILE__PHONE:", ("UPN*", "“Personal Email”", "MOBILE__PHONE:", None)),
        ("UPN [Required],Home Email [optional],Mobile", ("UPN [Required]", "Home Email [optional]", "Mobile", None)),
    ],
)  # fmt: skip
def test_a_header_of_no_known_export_is_read_by_everyday_names(
    header: str, expected: tuple[str | None, ...]
) -> None:
    understood = read_text(header + "\n")
    columns = columns_of(understood)
    assert understood.profile == "canonical"
    assert tuple(columns.get(column) for column in NEEDED) == expected
    assert understood.columns.notes[0].startswith("No known export")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("UPN,Email,Mobile", "no column alternate_email. * If \"Email\" is alternate_email, say so: --map 'Email="),
        ("Work Email,Email,Mobile", "--map 'Email=alternate_email'"),
        ("UPN,Private Email,Phone", "If \"Phone\" is mobile_phone, say so: --map 'Phone=mobile_phone'"),
        ("UPN,Private Email,Telefon privat", "--map 'Telefon privat=mobile_phone'"),
        ("UPN,Private Email,Work Phone", "no column mobile_phone"),
        ("UPN,Private Email,Home Phone,Phone", 'If "Phone" or "Home Phone" is mobile_phone'),
        ("UPN,Email [work],Mobile", "no column alternate_email"),
        ("Name,Email,Telefon", "--map 'Telefon=mobile_phone'. Rename a column, or say which it is: --map 'HEADER=alt"),
        ("Email,Mobile", "no column alternate_email. Found: \"Email\", \"Mobile\". Rename a column"),
        ("UPN,authenticationAlternativePhoneNumber,authenticationEmail", "no column mobile_phone"),
        ("UPN,Vorname,Nachname", "no column alternate_email and mobile_phone. Found"),
        (templates.text("m365-users-export"), "no private address. Add a column \"Alternate email address\""),
        (templates.text("entra-bulk-create"), "This template has no private address"),
        (templates.text("get-aduser"), "EmailAddress and mail are the one at work"),
        (templates.text("workday"), "Add the mobile phone to the report"),
        (templates.text("successfactors"), "EMAIL is the one at work"),
        (templates.text("ukg-wfm"), "--map 'Phone 1=mobile_phone'"),
        (templates.text("paycom"), "--map 'Primary_Phone=mobile_phone'"),
        ("login,firstName,lastName,email,mobilePhone", 'It is usually called "secondEmail".'),
    ],
)  # fmt: skip
def test_a_missing_column_is_told_with_what_to_do(header: str, told: str) -> None:
    refusal = refusal_of(header + "\n")
    for part in told.split(" * "):
        assert part in refusal
    assert "\n" not in refusal
