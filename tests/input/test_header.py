"""Which line is the header, which export it is of, and which column is which."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.input import profiles, templates
from sspr.input.blocks import Dialect
from sspr.input.errors import InputError
from sspr.input.folding import fold, forms, is_password, squeeze
from sspr.input.header import Head, understand
from sspr.input.records import Record
from tests.input.heads import NEEDED, NONE, columns_of, read_text, refusal_of

OWN = "user_principal_name,alternate_email,mobile_phone"
JANE = "jane@contoso.com,jane@fabrikam.com,+44 7911123456"
LAYOUT = "ClassId2e4f51ef21dd47e99d3c952918aff9cd,pageHeaderEntry,pageFooterEntry,autosizeInfo"
TRANSLATED = "Nome1,Nome2,Nome3,Nome4,Nome5,Nome6,Nome7,Nome8,Nome9,Nome10,Nome11,Nome12,Nome13,Nome14,Nome15"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{LAYOUT}\n033ecb2bc07a4d43b5ef94ed5a35d280,,,\n", "Format-Table"),
        (f'"{OWN}"\n"{JANE}"\n', "each whole line in one quoted cell"),
        (f'"{OWN.replace(",", ";")}",,\n', "each whole line in one quoted cell"),
        (
            "user-id,phone-type,country-code,area-code,phone-number,extension\n1,C,44,20,7946,1\n",
            "split over several",
        ),
        (f"{JANE}\n{JANE}\n", "seems to hold data"),
        (f"{TRANSLATED}\n", "sspr template m365-add-users"),
        (f"{TRANSLATED},Nome16\n", "of its 16 column names none is known"),
        (
            "a,b,c\n",
            'no column user_principal_name, alternate_email and mobile_phone. Found: "a", "b", "c"',
        ),
    ],
)
def test_a_shape_that_is_no_table_of_people_has_a_name(text: str, told: str) -> None:
    refusal = refusal_of(text)
    assert told in refusal
    assert "fabrikam" not in refusal


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("Report: New admins\nExported on,2026-11-25\n\n", "1, 2"),
        ("version:v1.0\n", "1"),
        ("version:v1.0,,,,,\n", "1"),
        ("#TYPE Selected.Microsoft.Graph.PowerShell.Models.MicrosoftGraphUser\n", "1"),
        ("Mobile,Country\n\n\n", "1"),
        ("By jane@contoso.com,,,,\n", "1"),
    ],
)
@pytest.mark.parametrize(
    "header", [OWN, "UPN,Personal Email,Mobile", "login,secondEmail,mobilePhone,firstName"]
)
def test_lines_above_the_header_are_passed_over_and_told(above: str, lines: str, header: str) -> None:
    understood = read_text(f"{above}{header}\n{JANE}\n")
    assert understood.header.cells == header.split(",")
    assert understood.columns.notes[-1] == f"Above the header, not read: line {lines}."


def test_a_header_below_rows_is_refused_since_they_would_be_lost() -> None:
    refusal = refusal_of(f"{JANE}\n{OWN}\n{JANE}\n")
    assert "header seems to be on line 2, but line 1 above it looks like a row" in refusal
    assert "fabrikam" not in refusal


def test_the_first_of_two_headers_counts() -> None:
    assert read_text(f"{OWN}\n{JANE}\n{OWN}\n{JANE}\n").header.line == 1


def test_a_header_after_the_first_records_is_not_looked_for() -> None:
    head = Head(Dialect(","), tuple(Record(line, ["title"]) for line in range(1, 21)))
    with pytest.raises(InputError, match="no column"):
        understand([head], NONE, None, "admins.csv")


ENTRA = f"{templates.text('entra-bulk-create').splitlines()[1]},Alternate email address"


def test_the_example_rows_of_a_template_are_no_data() -> None:
    understood = read_text(
        f"version:v1.0\n{ENTRA}\nExample: Chris Green,chris@contoso.com,\nexample:  x,\nJane,,\nExample: y,\n"
    )
    assert understood.skipped == {3, 4}
    assert "Line 3 is an example and was skipped." in understood.columns.notes
    assert read_text(f"{OWN}\nExample: x,y,z\n").skipped == frozenset()


SAP = "STATUS,USERID,USERNAME,FIRSTNAME,EMAIL,CELL,Alternate email address"


@pytest.mark.parametrize(
    ("second", "skipped"),
    [
        ("Status,User ID,Username,First Name,Email,Cell Phone,Alternate email address", {2}),
        ("STATUS,USERID,USERNAME,FIRSTNAME,EMAIL,CELL,Alternate email address", {2}),
        ("Status,User ID,Username,First Name,,,", {2}),
        ("active,jdoe,jdoe,Jane,,,", set()),
        ("active,Status,Username,Jane,none,none,none", set()),
        ("Status,User ID,Username,First Name,jane@contoso.com,Cell Phone,x", set()),
        ("Status,User ID,jdoe,First Name,Email,Cell Phone,Alternate email address", set()),
        ("Status,User ID,Username,First Name,Email,Cell Phone", set()),
    ],
)
def test_a_second_line_of_headers_is_skipped_only_where_it_is_certain(second: str, skipped: set[int]) -> None:
    understood = read_text(f"{SAP}\n{second}\nactive,1,jane@contoso.com,Jane,,,\n")
    assert understood.profile == "successfactors"
    assert understood.skipped == skipped


def test_a_second_line_of_headers_is_data_elsewhere() -> None:
    assert read_text(f"{OWN}\n{OWN}\n").skipped == frozenset()


def test_the_mapping_goes_before_everything() -> None:
    header = "login,secondEmail,mobilePhone,primaryPhone,firstName,lastName,email\n"
    understood = read_text(header, {"email": "user_principal_name", "Primary phone": "mobile_phone"})
    columns = columns_of(understood)
    assert understood.profile == "okta"
    assert [columns[column] for column in NEEDED[:3]] == ["email", "secondEmail", "primaryPhone"]


def test_a_mapping_takes_a_header_away_from_its_own_column() -> None:
    assert "no column mobile_phone" in refusal_of(f"{OWN}\n", {"mobile_phone": "note"})


def test_a_mapping_finds_the_header_among_titles() -> None:
    understood = read_text(
        "Personen\nx,y,z\nKonto,Netz,Ruf\n1,2,3\n",
        {"Konto": "user_principal_name", "netz": "alternate_email", "RUF": "mobile_phone"},
    )
    assert understood.header.line == 3


def test_a_mapping_as_written_tells_two_headers_apart_that_differ_in_case() -> None:
    header = "UPN,Personal Email,MobilePhone,Mobile Phone\n"
    assert '"MobilePhone" / "Mobile Phone" 2 times (columns 3 and 4)' in refusal_of(header)
    columns = columns_of(read_text(header, {"Mobile Phone": "mobile_phone"}))
    assert columns["mobile_phone"] == "Mobile Phone"


@pytest.mark.parametrize(
    ("header", "mapping", "told"),
    [
        ("UPN,Mobile,Private Email,mobile", NONE, "(columns 2 and 4)"),
        ("UPN,UPN,Private Email,Mobile", NONE, '"UPN" 2 times (columns 1 and 2)'),
        ("UPN,Private Email,Mobile,Land,LAND", NONE, "(columns 4 and 5)"),
        ("UPN,Private Email,Phone,Phone", {"Phone": "mobile_phone"}, "(columns 3 and 4)"),
        (f"{OWN},sspr_reason", {"sspr_reason": "note"}, "written by sspr"),
        (f"{OWN},Password", {"Pass word": "note"}, "never read"),
        (f"{OWN},Password", {"Word": "note"}, 'no column "Word"'),
    ],
)
def test_what_cannot_be_chosen_between_is_refused(header: str, mapping: Mapping[str, str], told: str) -> None:
    assert told in refusal_of(header + "\n", mapping)


def test_a_repeated_header_of_less_worth_than_the_one_taken_is_no_fault() -> None:
    understood = read_text("UPN,Private Email,Personal Mobile,Work Mobile,Work Mobile\n")
    assert columns_of(understood)["mobile_phone"] == "Personal Mobile"


def test_a_profile_that_is_said_goes_before_the_one_recognised() -> None:
    header = "Work Email,Home Email,Mobile Phone,Personal mobile,Personal email\n"
    assert columns_of(read_text(header))["mobile_phone"] == "Mobile Phone"
    understood = read_text(header, profile="hibob")
    assert understood.profile == "hibob"
    assert columns_of(understood)["mobile_phone"] == "Personal mobile"
    assert "as --profile says" in understood.columns.notes[0]


@pytest.mark.parametrize(
    ("header", "profile", "told"),
    [
        (OWN, "nothing", "There is no profile 'nothing'. There are adp-workforce-now, "),
        (OWN, "sample", "There is no profile 'sample'"),
        ("a,b,c", "../canonical", "There is no profile"),
        (
            OWN,
            "okta",
            'does not fit the profile okta (Okta, users): the header has no "login", "secondEmail"',
        ),
        ("login,x,y", "okta", 'the header has no "secondEmail"'),
        (templates.text("workday"), "workday", "no column mobile_phone"),
        ("Vorname,Nachname,E-Mail", "personio", "Add the attribute that holds the private address"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused(header: str, profile: str, told: str) -> None:
    assert told in refusal_of(header + "\n", profile=profile)


def test_a_profile_without_signature_is_read_when_it_is_said() -> None:
    header = "Vorname,Nachname,E-Mail,Private E-Mail,Handy\n"
    assert read_text(header).profile == "canonical"
    assert read_text(header, profile="personio").profile == "personio"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of templates with the canonical one, and whatever a test puts there."""
    shutil.copy(templates.template_folder() / "canonical.toml", tmp_path)
    monkeypatch.setattr(templates, "template_folder", lambda: tmp_path)
    return tmp_path


def _profile(email: str, signature: str = "Staff No", known: str = "") -> str:
    return (
        f'title = "By {email}"\nabout = "An export."\nsignatures = [["{signature}"]]\nknown = [{known}]\n'
        f'[columns]\nuser_principal_name = ["Konto"]\nalternate_email = ["{email}"]\n'
    )


STAFF = "Staff No,Konto,Netz,Post,Mobile,Site\n"


def test_adding_a_profile_takes_one_file(folder: Path) -> None:
    (folder / "staff.toml").write_text(_profile("Netz"), encoding="utf-8")
    understood = read_text(STAFF)
    assert understood.profile == "staff"
    assert columns_of(understood)["alternate_email"] == "Netz"


def test_two_profiles_that_fit_alike_and_read_differently_are_an_error(folder: Path) -> None:
    (folder / "one.toml").write_text(_profile("Netz"), encoding="utf-8")
    (folder / "two.toml").write_text(_profile("Post"), encoding="utf-8")
    refusal = refusal_of(STAFF)
    assert "that of one (By Netz) and just as well that of two (By Post)" in refusal
    assert "--profile one or --profile two" in refusal
    assert columns_of(read_text(STAFF, profile="two"))["alternate_email"] == "Post"
    assert columns_of(read_text(STAFF, {"Netz": "alternate_email"}))["alternate_email"] == "Netz"


def test_two_profiles_that_fit_alike_and_read_alike_are_none(folder: Path) -> None:
    (folder / "one.toml").write_text(_profile("Netz"), encoding="utf-8")
    (folder / "two.toml").write_text(_profile("Netz", known='"Staff No"'), encoding="utf-8")
    understood = read_text(STAFF)
    assert understood.profile == "one"
    assert "two as well, which reads it alike" in understood.columns.notes[0]


def test_of_two_profiles_the_one_that_knows_more_of_the_headers_counts(folder: Path) -> None:
    (folder / "one.toml").write_text(_profile("Netz"), encoding="utf-8")
    (folder / "two.toml").write_text(_profile("Post", known='"Site"'), encoding="utf-8")
    assert read_text(STAFF).profile == "two"


def test_our_own_names_need_no_other_profile(folder: Path) -> None:
    (folder / "faulty.toml").write_text("title =", encoding="utf-8")
    assert read_text(f"{OWN},Usage location\n").columns.canonical["country"] == (3,)
    assert "faulty.toml" in refusal_of("UPN,Personal Email,Mobile\n")


def test_the_notes_tell_what_was_taken_in_this_order() -> None:
    header = templates.text("google-workspace")
    assert [note.split(" ")[0] for note in read_text(header).columns.notes] == [
        "Read", "Columns:", "For", "For", "Not", "The",
    ]  # fmt: skip
    notes = " ".join(read_text(header).columns.notes)
    assert 'alternate_email is "Recovery Email"' in notes
    assert (
        'For mobile_phone, "Recovery Phone [MUST BE IN THE E.164 FORMAT]" was preferred to "Mobile Phone".'
        in notes
    )
    assert 'The password column "Password [Required]" is not kept.' in notes


@pytest.mark.parametrize(
    ("header", "columns", "further"),
    [
        (OWN, OWN, ()),
        (f"{OWN},country", f"{OWN},country", ()),
        (f"{OWN},Site", OWN, ('Not used, carried through: "Site".',)),
        (f"{OWN},Usage location", f'{OWN},country is "Usage location"', ()),
        (f"{OWN},country,Land", f'{OWN},country is "country" or "Land"', ()),
    ],
)
def test_a_file_in_our_own_names_is_told_as_well(header: str, columns: str, further: tuple[str, ...]) -> None:
    told = ("Read by the columns of sspr itself.", f"Columns: {columns.replace(',', ', ')}.")
    assert read_text(f"{header}\n").columns.notes == (*told, *further)


PASSWORDS = """
    Password / Password (must be changed at first sign-in) / Password (change at next logon) / Reset password
    Initial password - please change / New password after reset / Last known password / Next password / Strong password
    Password [passwordPolicies] / Password [Required] / Initial password [passwordProfile] Required / Password 1
    Pass word / Pass-word / Pass_code / Pass Phrase / passwd / P@ssword / P@$$w0rd / Passw0rd / P A S S W O R D
    PASSWORDPOLICIES2 / unicodePwd / userPw / InitialPW / initpw / pw / PIN / PINs / PIN2 / mfaPin / TAP
    Temporary Access Pass / Pasword / tempPass / userpass / Pass / Client secret / Secrets / Credential / Credentials
    HTTPSecret / ï»¿PIN / \ufeffPW
    Passwort / PAẞWORT / Paßwort / Kennwort / Kennw. / Zugangsdaten / Mot de passe / Mot-de-passe / MotDePasse / MDP
    Contraseña / CONTRASENA inicial / Clave / Senha / Palavra-passe / palavraPasse / Wachtwoord / Hasło / HASŁO / haslo
    Lösenord / Losenord / Lo\u0308senord / Adgangskode / Kodeord / Passord / Salasana / Heslo / Jelszó / Lozinka / Geslo
    Slaptažodis / Parool / Lykilorð / Kata sandi / Mật khẩu / ŞİFRE / Şifre / sifre / SIFRE / şıfre / Parola
    Пароль / ПАРОЛЬ / userParol
    パスワード / ﾊﾟｽﾜｰﾄﾞ / 暗証番号 / 密码 / 密碼 / 口令 / 비밀번호 / 암호 / סיסמה / PaSS / pWd
    كلمة المرور / كَلِمة السر / كلمه السر / گذرواژه / گذر\u200cواژه / رمز عبور
    पासवर्ड / रหัส पासवर्ड / รหัสผ่าน / Κωδικός πρόσβασης / ΚΩΔΙΚΟΣ ΠΡΟΣΒΑΣΗΣ / pass\u00adword
    ｐａｓｓｗｏｒｄ / Password*:
"""
NO_PASSWORDS = """
    PasswordNeverExpires / Password never expires / LastPasswordChangeTimeStamp / Last password change time stamp
    lastPasswordChangeDateTime / StrongPasswordRequired / Strong password required / PasswordPolicies / PasswordLastSet
    pwdLastSet / PasswordExpired / PasswordNotRequired / CannotChangePassword / ForceChangePassword / badPwdCount
    ForceChangePasswordNextSignIn / Change Password at Next Sign-In / Change Password at Next Sign-In [UPLOAD ONLY]
    Password Hash Function [UPLOAD ONLY] / BadLogonCount / BlockCredential / Block credential / PASSWORD_NEVER_EXPIRES
    \ufeffPassword policies / ï»¿Block credential / Passport number / Secretary / Compass / Shipping / Spinning / Bypass
    Tape / Pwc office / CPA role / DPA Role / Has login / HasLocation / Wages local / Languages, local / Reisepass
    Kennung / Kennzeichen / Mobile Phone / User principal name / Alternate email address / Schlüsselnummer / Autoclave
"""


def _each(headers: str) -> list[str]:
    return [header.strip(" ") for line in headers.strip().splitlines() for header in line.split(" / ")]


@pytest.mark.parametrize("header", _each(PASSWORDS))
def test_whatever_may_be_a_password_is_one(header: str) -> None:
    assert is_password(header)
    understood = read_text(f"{OWN},{header},Site\n{JANE},x,y\n")
    assert understood.columns.header == (*OWN.split(","), "Site")
    assert understood.columns.passwords


@pytest.mark.parametrize("header", _each(NO_PASSWORDS))
def test_what_is_known_to_be_no_password_is_none(header: str) -> None:
    assert not is_password(header)


@pytest.mark.parametrize("header", ["x" * 300 + " password", "password " + "x" * 300])
def test_a_password_column_with_a_long_header_is_one(header: str) -> None:
    assert is_password(header)


@given(st.sampled_from(["", "Password", "PIN", "Hasło", "密码", "Mot de passe"]), st.text(max_size=20))
def test_what_stands_in_brackets_after_a_password_makes_it_no_other(password: str, text: str) -> None:
    assert is_password(f"{password} ({text})") >= is_password(password)


@pytest.mark.parametrize(
    ("second", "skipped"),
    [
        ("Status,User ID,Username,First Name,Email,Cell Phone,Alternate email address,Password", {2}),
        ("Status,User ID,Username,First Name,Email,Cell Phone,Alternate email address,Kennwort (neu)", {2}),
        # Too little is known of it to skip a person; of the password's name there is no doubt.
        ("Zustand,Nummer,Username,Vorname,Adresse,Handy,Privat,Kennwort", set()),
        ("Status,User ID,Username,First Name,it@contoso.com,Cell Phone,x,Kennwort", set()),
    ],
)
def test_a_password_column_that_only_its_label_tells_is_not_kept(second: str, skipped: set[int]) -> None:
    understood = read_text(f"{SAP},CUSTOM09\n{second}\nactive,1,jane@contoso.com,Jane,,,,Geheim-Kx9!\n")
    assert understood.skipped == skipped
    assert understood.columns.passwords
    assert understood.columns.header == tuple(SAP.split(","))
    assert understood.columns.notes[-1 - len(skipped)] == 'The password column "CUSTOM09" is not kept.'


def test_a_column_that_its_label_calls_a_password_is_no_other() -> None:
    labels = "Status,User ID,Username,First Name,Email,Password,Alternate email address"
    assert "no column mobile_phone" in refusal_of(f"{SAP}\n{labels}\n")
    told = refusal_of(f"{SAP}\n{labels}\n", {"CELL": "mobile_phone"})
    assert told == "--map CELL=mobile_phone: a password column is never read."


def test_a_row_under_the_header_is_no_labels() -> None:
    understood = read_text(f"{SAP},CUSTOM09\nactive,1,jane@contoso.com,Jane,,,,PIN\n")
    assert understood.columns.header == (*SAP.split(","), "CUSTOM09")
    assert not understood.columns.passwords


@pytest.mark.parametrize(
    "phone",
    [
        "+44 7400 129401",
        "(020) 7946 0958",
        "0151/2345-6789",
        "07400.129.401",
        "+44\u00a07400\u2011129401",
        "7400129",
    ],
)
@pytest.mark.parametrize("mapping", [NONE, {"Handy": "mobile_phone"}])
@pytest.mark.parametrize("profile", [None, "okta", "canonical"])
def test_a_file_without_header_shows_none_of_its_cells(
    phone: str, mapping: Mapping[str, str], profile: str | None
) -> None:
    refusal = refusal_of(f"Amelia;{phone};Geheim-Kx9!\n", mapping, profile)
    assert "seems to hold data" in refusal
    assert not [cell for cell in ("Amelia", phone, "Geheim") if cell in refusal]


def test_a_header_with_a_row_of_data_in_it_is_not_shown() -> None:
    refusal = refusal_of("Email,+44 7400 129401,Geheim-Kx9!\n")
    assert "seems to hold data" in refusal
    assert "Geheim" not in refusal
    refusal = refusal_of("UPN,Email,+44 7400 129401,Geheim-Kx9!\n")
    assert "--map 'Email=alternate_email'" in refusal
    assert "Geheim" not in refusal


@pytest.mark.parametrize("header", ["Phone 1", "Q3 2026", "E.164", "Office 365 (2)"])
def test_a_header_with_figures_is_shown(header: str) -> None:
    assert f'Found: "{header}", "b"' in refusal_of(f"{header};b\n")


def test_a_list_is_told_and_marked() -> None:
    understood = read_text("UserPrincipalName,OtherMails,MobilePhone\n")
    assert understood.columns.lists == {"alternate_email"}
    assert '"OtherMails" holds a list; its first entry counts.' in understood.columns.notes
    assert read_text("UPN,Personal Email,Mobile\n").columns.lists == frozenset()


def test_our_own_names_to_the_letter_go_before_every_other() -> None:
    header = (
        "Recovery Email,alternate_email,Personal Mobile,mobile_phone,Land,country,UPN,user_principal_name\n"
    )
    columns = columns_of(read_text(header))
    assert [columns[column] for column in NEEDED[:3]] == list(NEEDED[:3])
    assert columns["country"] == ("country", "Land")


def test_a_header_of_several_lines_is_shown_on_one() -> None:
    notes = read_text('UPN,Private Email,"Mobile\nPhone"\n').columns.notes
    assert '"Mobile Phone"' in notes[1]


def test_what_an_export_says_of_the_account_is_found() -> None:
    columns = columns_of(read_text(f"{templates.text('m365-users-export').strip()},Personal Email\n"))
    assert (columns["account_blocked"], columns["directory_synced"]) == ("Block credential", "DirSyncEnabled")
    columns = columns_of(read_text(templates.text("entra-users-download")))
    assert (columns["account_enabled"], columns["user_type"]) == ("accountEnabled", "userType")


def test_headers_that_hold_contact_data_are_masked() -> None:
    told = refusal_of("UPN,jane@fabrikam.com,Mobile\n") + " ".join(
        read_text(f"{OWN},jane@fabrikam.com\n").columns.notes
    )
    assert "jane" not in told
    assert "•••@fabrikam.com" in told


def test_the_delimiter_is_the_one_that_shows_the_header() -> None:
    for delimiter in ",;\t|":
        for header in (OWN, "UPN,Personal Email,Mobile", "login,secondEmail,mobilePhone"):
            understood = read_text(header.replace(",", delimiter) + "\na,b,c;d|e\n")
            assert understood.dialect.delimiter == delimiter


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Mobile_Phone ", ("mobile phone",)),
        ("Mobile phone [mobile]", ("mobile phone [mobile]", "[mobile]")),
        ("Name [displayName] Required", ("name [displayname] required", "[displayname]")),
        ("Email Address [Required]", ("email address [required]", "email address")),
        ("x" * 300, ()),
        (" ", ()),
    ],
)
def test_the_forms_of_a_header(cell: str, expected: tuple[str, ...]) -> None:
    assert forms(cell) == expected


@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert squeeze(squeeze(fold(text))) == squeeze(fold(text))
    assert is_password(text) == is_password(f" {text} ")


HEADERS = sorted(
    {
        header
        for profile in profiles.every().values()
        for headers in (
            *profile.columns.values(),
            *profile.signatures,
            profile.labels,
            *profile.unsure.values(),
        )
        for header in headers
    }
)
CELL = st.one_of(
    st.text(max_size=12), st.sampled_from([*HEADERS, "sspr_reason", "Password", "jane@contoso.com"])
)
RECORDS = st.lists(st.lists(CELL, max_size=8), max_size=6)
MAPPING = st.dictionaries(CELL, st.sampled_from([*NEEDED, "note", "nothing"]), max_size=2)


@given(RECORDS, MAPPING, st.sampled_from([None, *profiles.names(), "nothing"]))
def test_any_records_are_understood_or_refused(
    table: list[list[str]], mapping: Mapping[str, str], profile: str | None
) -> None:
    records = tuple(Record(line, cells) for line, cells in enumerate(table, 1))
    try:
        understood = understand([Head(Dialect(","), records)], mapping, profile, "admins.csv")
    except InputError:
        return
    columns = understood.columns
    assert set(NEEDED[:3]) <= set(columns.canonical)
    assert all(place < len(columns.kept) for places in columns.canonical.values() for place in places)
    needed = [columns.canonical[column][0] for column in NEEDED[:3]]
    assert len(set(needed)) == 3
    assert not any(is_password(cell) for cell in columns.header)
    assert all(line > understood.header.line for line in understood.skipped)


@given(st.lists(st.sampled_from(HEADERS), min_size=3, max_size=12, unique=True), st.sampled_from(",;\t|"))
def test_any_choice_of_known_headers_is_understood_or_refused(header: list[str], delimiter: str) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerow(header)
    try:
        understood = read_text(file.getvalue())
    except InputError:
        return
    assert understood.header.cells == header
    assert understood.dialect.delimiter == delimiter
