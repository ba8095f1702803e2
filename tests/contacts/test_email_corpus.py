"""Email texts by the hundred: what the standards allow and forbid, what exports and people make of addresses."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from sspr.contacts.email import MAX_LENGTH, MAX_LOCAL, read_email
from sspr.contacts.lookalike import doubt_of

LABEL = "b" * 63


def codes(text: str) -> list[str]:
    return [finding.code for finding in read_email(text)[1]]


@pytest.mark.parametrize(
    "address",
    [
        # RFC 5321 and 5322: what may stand before the @
        *(f"{local}@fabrikam.com" for local in (
            "j", "J", "1", "_", "jane", "Jane.Doe", "jane_doe", "jane-doe", "-jane-", "jane+tag", "+tag", "j.a.n.e",
            "1234567890", "jane's", "jane=doe", "a/b=c", "!a!b%c", "$jane", "#jane", "jane*", "{jane}", "`jane",
        "jane~",
            "ja^ne", "tom&jerry", "a|b", "a" * MAX_LOCAL, "Postmaster",
        )),
        # RFC 1123: what a host may be called
        *(f"jane@{host}" for host in (
            "a.co", "x.org", "3m.com", "1.com", "a-b.com", "a--b.com", "a.b.c.d.example.org", "example.museum",
            "example.co.jp", "xn--mller-kva.de", "xn--e1afmkfd.xn--p1ai", f"{LABEL}.com", f"{'a.' * 60}com",
            f"{LABEL}.{LABEL}.{'c' * 53}.com",
        )),
    ],
)  # fmt: skip
def test_what_the_standards_allow_stays_as_it_is(address: str) -> None:
    assert read_email(address) == (address, ())


@pytest.mark.parametrize(
    ("domain", "in_ascii"),
    [
        ("FABRIKAM.Com", "fabrikam.com"),
        ("müller.de", "xn--mller-kva.de"),
        ("MÜLLER.de", "xn--mller-kva.de"),
        ("mu\u0308ller.de", "xn--mller-kva.de"),
        ("XN--MLLER-KVA.DE", "xn--mller-kva.de"),
        ("straße.de", "xn--strae-oqa.de"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("例え.jp", "xn--r8jz45g.jp"),
        ("例え。jp", "xn--r8jz45g.jp"),
        ("παράδειγμα.ελ", "xn--hxajbheg2az3al.xn--qxam"),
        ("한국.kr", "xn--3e0b707e.kr"),
        ("сосо.рф", "xn--n1aahb.xn--p1ai"),
    ],
)
def test_an_internationalized_domain_is_told_in_ascii(domain: str, in_ascii: str) -> None:
    assert read_email(f"Jane@{domain}") == (f"Jane@{in_ascii}", ())


@pytest.mark.parametrize(
    "text",
    [
        # before the @
        "@fabrikam.com", ".jane@fabrikam.com", "jane.@fabrikam.com", "ja..ne@fabrikam.com", '"jane"@fabrikam.com',
        '"ja ne"@fabrikam.com', '"ja@ne"@fabrikam.com', 'ja"ne@fabrikam.com', '"jane@fabrikam.com',
        "ja\\ne@fabrikam.com",
        "ja(x)ne@fabrikam.com", "(x)jane@fabrikam.com", "jane:doe@fabrikam.com", "[jane@fabrikam.com",
        "jané@fabrikam.com", "ｊａｎｅ@fabrikam.com", "яна@fabrikam.com", "用户@例え.jp", "ja\x00ne@fabrikam.com",
        "a" * 65 + "@fabrikam.com", "a" * 300 + "@fabrikam.com",
        # after the @
        "jane", "jane@", "@", "jane@fabrikam", "jane@.com", "jane@fabrikam..com", "jane@-fabrikam.com",
        "jane@fabrikam-.com", "jane@fabrikam.com-", "jane@fab_rikam.com", "jane@fabrikam.c", "jane@fabrikam.123",
        "jane@192.0.2.1", "jane@[192.0.2.1]", "jane@[IPv6:2001:db8::1]", "jane@fabrikam.com:25", "jane@fabrikam.com/x",
        "jane@fabrikam,com", "jane@fabrikam.com(x)", "jane@ab--cd.com", "jane@xn--a.de", "jane@xn--.de", "jane@☃.net",
        "jane@fabrikam.com\x00", f"jane@{LABEL}b.com", f"jane@{'a.' * 140}com", f"jane@{LABEL}.{LABEL}.{LABEL}.{LABEL}",
        # of special use (RFC 6761, RFC 6762, RFC 7686)
        "jane@localhost", "jane@x.localhost", "jane@corp.local", "jane@corp.test", "jane@corp.invalid",
        "jane@corp.LOCAL",
        "jane@x.onion", "jane@1.in-addr.arpa",
        # more than one @
        "jane@doe@fabrikam.com", "jane@@fabrikam.com", "@jane@fabrikam.com",
        # lost or damaged
        "j?ne@fabrikam.com", "j\ufffdne@fabrikam.com", "jane@m?ller.de", "????", "jane@mÃ¼ller.de", "jane@lÃ³pez.es",
        "jane@lÃ³pez.es>", "jane@mÃ\xadguel.es", "ï»¿jane@fabrikam.com", "jane@نامه\u200cای.com",
        # not an address
        "jane＠fabrikam.com", "jane﹫fabrikam.com", "jane(at)fabrikam.com", "jane at fabrikam.com", "+44 7911 123456",
        "https://fabrikam.com/jane", "sip:jane@fabrikam.com", "jane doe@fabrikam.com", "jane @fabrikam.com",
        "jane@ fabrikam.com", "jane@fabrikam. com", "Jane jane@fabrikam.com", "jane@fabrikam.com (private)",
        "Jane <jane>", "<>", '=HYPERLINK("mailto:jane@fabrikam.com")', "@{mail=jane@fabrikam.com}", "x" * 401,
    ],
)  # fmt: skip
def test_what_no_mail_reaches_or_was_damaged_is_invalid(text: str) -> None:
    assert read_email(text)[0] == ""
    assert codes(text) == ["email_invalid"]


@pytest.mark.parametrize(
    "text",
    [
        "mailto:{}", "MAILTO: {}", "mailto:{}?subject=Hello%20there", "SMTP:{}", "smtp:{}", "email: {}", "E-Mail: {}",
        "<{}>", "< {} >", "<mailto:{}>", "Jane <{}>", "Jane Doe<{}>", '"Jane" <{}>', '"Doe, Jane" <{}>',
        "Doe, Jane <{}>",
        "Doe/Jane <{}>", "Jane D. <{}>;", "Jürgen <{}>", "{0}<mailto:{0}>", "{0} <{0}>", '"{0}" <{0}>', "'{0}' <{0}>",
        '"{}"', "'{}'", "'{}", "“{}”", "„{}“", "‘{}’", "«{}»", '="{}"', '" {} "', '"{}";', '"mailto:{}"', '"<{}>"',
        " {}", "{} ", "\t{}\r\n", "\u00a0{}\u2003", "\ufeff{}", "\u200b{}\u200b", "\u202a{}\u202c", "{}.", "{};", "{},",
        "{}; ", "{}.;", ";{}", "{{{}}}", "{{ {} }}", "<{}>,",
    ],
)  # fmt: skip
def test_what_programs_and_people_put_around_an_address_is_taken_off(text: str) -> None:
    assert read_email(text.format("Jane.Doe+x@Fabrikam.com")) == ("Jane.Doe+x@fabrikam.com", ())


def test_an_address_in_a_link_is_decoded() -> None:
    assert read_email("mailto:jane%2Breset@fabrikam.com") == ("jane+reset@fabrikam.com", ())
    assert read_email("jane%2Breset@fabrikam.com") == ("jane%2Breset@fabrikam.com", ())


@pytest.mark.parametrize(
    "between",
    [";", "; ", ",", ", ", "|", " | ", "/", " / ", "\n", "\r\n", " ", "\t", " and ", " or ", "&", "；", "，", "、"],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{}", "{{{}}}", "mailto:{}", '"{}"', "Jane <{}>"])
def test_several_addresses_are_not_chosen_from(between: str, around: str) -> None:
    assert codes(around.format(f"jane@fabrikam.com{between}doe@example.org")) == ["email_multiple"]


@pytest.mark.parametrize(
    "text",
    [
        "SMTP:jane@fabrikam.com+smtp:doe@fabrikam.com", "Jane <jane@fabrikam.com>, Doe <doe@fabrikam.com>",
        "jane@fabrikam.com <doe@fabrikam.com>", "jane@fabrikam.com<mailto:doe@fabrikam.com>",
        "mailto:jane@fabrikam.com?cc=doe@fabrikam.com", "jane@fabrikam.com; jane@fabrikam.com",
        '["jane@fabrikam.com","doe@fabrikam.com"]',
    ],
)  # fmt: skip
def test_several_addresses_in_other_forms(text: str) -> None:
    assert codes(text) == ["email_multiple"]


@pytest.mark.parametrize(
    "text",
    [
        "System.String[]",
        "System.Object[]",
        "System.Collections.Generic.List`1[System.String]",
        "System.Collections.ArrayList",
        "Microsoft.ActiveDirectory.Management.ADPropertyValueCollection",
    ],
)
def test_the_name_of_a_list_says_how_to_export_what_was_in_it(text: str) -> None:
    address, (finding,) = read_email(text)
    assert (address, finding.code) == ("", "email_invalid")
    assert "join the values before Export-Csv" in finding.detail


@pytest.mark.parametrize(
    "text",
    [
        "none", "None", "NONE", "n/a", "N/A", "NA", "null", "nil", "unknown", "TBD", "keine", "-", "--", "---", ".",
        "x",
        "xxx", "0", "000", "#N/A", "#REF!", "#VALUE!", "#NAME?", "(none)", "<none>", "-none-", "(blank)", "no email",
        "noemail", "nobody", "test", "none@", "none@none", "none@none.com", "NoEmail@fabrikam.com",
        "no-reply@fabrikam.com",
        "noreply@fabrikam.com", "unknown@unknown.com", "jane@noemail.com", "jane@no-email.invalid.none.com",
        "123+jane@users.noreply.github.com", "test@test", "test@test.com", "TEST@test.de", "test@test.test", "a@a.a",
        "a@a.com", "x@x.x", "xxx@xxx.xx", "aaa@aaa.com", "111@111.com", "abc@abc.com", "asdf@asdf.de", "na@na.com",
        "n/a@n/a.com", "example@example.com", "email@email.com", "name@name.com", "<test@test.com>",
        "none@none.invalid",
    ],
)  # fmt: skip
def test_what_stands_in_for_an_address_is_a_placeholder(text: str) -> None:
    assert read_email(text)[0] == ""
    assert codes(text) == ["email_placeholder"]


@pytest.mark.parametrize(
    "address",
    [
        "test@fabrikam.com", "jane@test.com", "jane@example.com", "a@b.com", "user@domain.com", "smith@smith.com",
        "nobody42@fabrikam.com", "na@fabrikam.com", "email@fabrikam.com", "info@fabrikam.com", "x@fabrikam.com",
    ],
)  # fmt: skip
def test_what_may_be_somebodys_address_is_no_placeholder(address: str) -> None:
    assert read_email(address) == (address, ())


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "\u200b", ";", " , ", "{}", '""', "''", " " * 500])
def test_nothing_is_missing(text: str) -> None:
    assert codes(text) == ["email_missing"]


@pytest.mark.parametrize(
    "domain",
    [
        "gmial.com", "gmai.com", "gmil.com", "gmal.com", "gmaill.com", "gmaiil.com", "gnail.com", "gamil.com",
        "mgail.com",
        "gmali.com", "gmail.co", "gmail.cm", "gmail.om", "gmail.con", "gmail.cmo", "gmail.comm", "gmail.de",
        "gmail.co.uk",
        "gogglemail.com", "googlemai.com", "hotmial.com", "hotmai.com", "hotmal.com", "hotmaill.com", "hotmail.co",
        "hotmail.con", "hotmial.co.uk", "outlok.com", "outloook.com", "outlook.co", "oulook.com", "yaho.com",
        "yahooo.com",
        "yhaoo.com", "yaho.co.uk", "iclod.com", "icloud.co", "icoud.com", "icloud.de", "protonmial.com",
        "protonmail.con",
        "fabrikam.con", "fabrikam.cmo", "fabrikam.vom", "fabrikam.c0m", "gmáil.com", "hotmaıl.com",
    ],
)  # fmt: skip
def test_a_slip_is_warned_of_and_not_corrected(domain: str) -> None:
    address, findings = read_email(f"jane@{domain}")
    assert [finding.code for finding in findings] == ["email_lookalike"]
    assert address == f"jane@{domain}" or not domain.isascii()


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com", "googlemail.com", "icloud.com", "protonmail.com", "protonmail.ch", "proton.me", "pm.me",
        "mail.com",
        "email.com", "ymail.com", "gmx.com", "gmx.de", "gmx.net", "gmx.ch", "web.de", "aol.com", "aol.de", "live.com",
        "live.de", "live.co.uk", "msn.com", "me.com", "mac.com", "hotmail.de", "hotmail.fr", "hotmail.co.uk",
        "hotmail.co.jp",
        "hotmail.com.tr", "outlook.com", "outlook.de", "outlook.fr", "outlook.com.br", "outlook.co.id", "outlook.jp",
        "yahoo.com", "yahoo.de", "yahoo.co.uk", "yahoo.co.jp", "yahoo.com.br", "yahoo.com.vn", "yahoo.co.in",
        "rocketmail.com",
        "hey.com", "mail.ru", "yandex.ru", "qq.com", "163.com", "naver.com", "orange.fr", "libero.it", "t-online.de",
        "bluewin.ch", "fastmail.com", "tutanota.com", "zoho.com", "cloud.com", "example.co", "example.cm", "example.om",
    ],
)  # fmt: skip
def test_a_providers_own_domain_is_not_warned_of(domain: str) -> None:
    assert doubt_of(domain) == ""


@pytest.mark.parametrize("domain", ["ｆａｂｒｉｋａｍ.com", "fabrikam．com", "ⓕabrikam.com", "fabrikaⅿ.com"])
def test_letters_that_idna_reads_as_ascii_are_warned_of(domain: str) -> None:
    address, findings = read_email(f"jane@{domain}")
    assert address == "jane@fabrikam.com"
    assert [finding.code for finding in findings] == ["email_lookalike"]


HOSTS = st.one_of(
    st.from_regex(r"[a-zA-Z0-9_.-]{1,40}", fullmatch=True),
    st.from_regex(r"([a-zA-Z0-9-]{1,9}\.){1,4}(com|local|test|c|co-uk|a1|1a|xn--p1ai|arpa|LOCALHOST)", fullmatch=True),
    st.lists(st.integers(1, 65).map("a".__mul__), max_size=5).map(lambda labels: ".".join([*labels, "com"])),
)  # fmt: skip


@given(HOSTS)
def test_a_host_in_ascii_is_judged_as_the_validator_does(domain: str) -> None:
    """The short way for plain host names accepts what the library accepts, and nothing else."""
    try:
        known = validate_email(f"jane@{domain}", check_deliverability=False).ascii_domain
    except EmailNotValidError:
        known = ""
    if len(known) + len("jane@") > MAX_LENGTH or len(known.rpartition(".")[2]) < 2:
        known = ""
    address, findings = read_email(f"jane@{domain}")
    if [finding.code for finding in findings] != ["email_placeholder"] and not domain.endswith("."):
        assert address == (f"jane@{known}" if known else "")


@given(st.text(alphabet="ab1._+'-!#$%&*/=^`{|}~ ()\\\"é", max_size=70))
def test_what_stands_before_the_at_is_judged_as_the_validator_does(local: str) -> None:
    text = f"{local}@fabrikam.com"
    address, _ = read_email(text)
    try:
        validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        assert address != text
    else:
        assert address in (text, f"{local.removeprefix(chr(39))}@fabrikam.com", "")
