"""Header cells as they are compared: what people and spreadsheets do to a header makes no other one of it."""

from __future__ import annotations

import re
import unicodedata

# No header is longer; a cell of data may be.
_LONGEST = 200
_SEPARATORS = re.compile(r"[\s_.]+")
_WITHIN = re.compile(r"[\s_.\-\u2010-\u2015]+")
_QUOTES = "“”„"
_BRACKET = re.compile(r"(?P<stem>.*\S)\s*\[(?P<content>[^\[\]]+)\]\s*\w*")
# Google writes remarks into its brackets, Entra the name of the property.
_REMARK = re.compile(r"(?:required|optional|upload only|read only|must be .*)")
# Letters that no decomposition makes plain, and signs that stand for letters in "P@$$w0rd".
_PLAIN = str.maketrans("łŁøØıðÐđĐ@$0", "lLoOidDdDaso") | str.maketrans(
    "\u0629\u064a\u0643",
    "\u0647\u06cc\u06a9",  # Arabic teh marbuta, yeh and kaf, as Persian and careless typists have them
)
_MARKS = frozenset({"Mn", "Mc", "Me", "Cf"})
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def visible_header(cell: str) -> str:
    """A header cell without the byte order mark that a careless tool left in it, or read in a wrong code page."""
    return cell.lstrip("\ufeff").removeprefix("ï»¿")


def fold(header: str) -> str:
    """`Mobile_Phone ` → `mobile phone`: without regard to case, width, spaces, dots and underscores."""
    if not header.isascii():
        visible = visible_header(header)
        header = "".join(letter for letter in visible if unicodedata.category(letter) != "Cf")
        header = unicodedata.normalize("NFKC", header).strip(_QUOTES)
    return _SEPARATORS.sub(" ", header).strip().casefold()


def squeeze(folded: str) -> str:
    """`mobile phone`, `mobilephone` and `mobile-phone*` → `mobilephone`; accents are dropped as well."""
    if not folded.isascii():
        parts = unicodedata.normalize("NFKD", folded)
        folded = "".join(letter for letter in parts if unicodedata.category(letter) != "Mn")
    return _WITHIN.sub("", folded).rstrip("*:")


def forms(cell: str) -> tuple[str, ...]:
    """The folded texts under which a header cell is known: the whole of it, what stands in its bracket (as
    `[mobile]`), and what stands before a bracket that holds a mere remark.
    """
    if len(cell) > _LONGEST:
        return ()
    whole = fold(cell)
    bracket = _BRACKET.fullmatch(whole) if "[" in whole else None
    if not bracket:
        return (whole,) if whole else ()
    if _REMARK.fullmatch(bracket["content"]):
        return whole, bracket["stem"]
    return whole, f"[{bracket['content']}]"


def _plain(text: str) -> str:
    """A text without accents, in letters that have no other form."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(part for part in parts if unicodedata.category(part) not in _MARKS).translate(_PLAIN)


def _words(text: str) -> list[str]:
    return "".join(sign if sign.isalpha() else " " for sign in text).casefold().split()


def _letters_and_digits(text: str) -> str:
    return "".join(filter(str.isalnum, _plain(text))).casefold()


def _either(words: str) -> str:
    return "|".join("".join(_words(_plain(word))) for word in words.split(","))


# Long enough to be searched for in a header without its spaces: `Pass Word`, `MOTDEPASSE`.
_ANYWHERE = re.compile(
    _either(
        "password,pasword,passwort,passwd,paswd,pssword,psswd,passwrd,pwd,passphrase,passcode,temporary access pass,"
        "kennwort,zugangsdaten,zugangscode,mot de passe,contrasen,contrasinal,palavra passe,parola d'ordine,wachtwoord,"
        "lösenord,adgangskode,adgangsord,kodeord,passord,salasana,jelszó,lozinka,лозинка,slaptažod,parool,lykilorð,"
        "kata sandi,kata laluan,mật khẩu,pasahitz,κωδικός πρόσβασης,συνθηματικό,"
        "パスワード,暗証,密码,密碼,口令,비밀번호,암호,סיסמ,"
        "كلمة المرور,كلمة السر,كلمة مرور,كلمة سر,گذرواژه,رمز عبور,पासवर्ड,รหัสผ่าน"
    )
)
# Short: searched for in a single word. "CPA role", "HasLogin" and "Wages, local" hold them across two.
_WITHIN_WORD = re.compile(_either("kennw,hasło,heslo,geslo,şifre,parol,парол"))
_WHOLE_WORD = re.compile(
    r"\w*pw|psw|pins?|mdp|clave|senhas?|hasl[ao]|secrets?|credentials?|tap|"
    r"\w*(?<!com)(?<!by)(?<!over)(?<!reise)pass"
)
# What exports say about passwords; compared without anything but letters and digits.
_ABOUT_PASSWORDS = """
    Block credential
    Password never expires / Password expired / Password expires / Password expiration date / Password expiry date
    Password last set / Password last changed / Password changed / pwdLastSet / pwdExpired
    Last password change / Last password change time stamp / Last password change date / lastPasswordChangeDateTime
    Last password set / Last bad password attempt / badPasswordTime / badPwdCount / badPasswordCount
    Strong password required / Password policies / Password policy / Password not required / Password status
    Cannot change password / User cannot change password / Allow reversible password encryption
    Force change password / Force change password next sign-in / forceChangePasswordNextSignInWithMfa
    Change password at next sign-in / Change password at next logon / Change password at logon
    User must change password at next logon / msDS-UserPasswordExpiryTimeComputed / Password hash function
    passwordResetNotRequiredDuringActivate
"""
_NO_PASSWORDS = frozenset(map(_letters_and_digits, re.split(r"[/\n]", _ABOUT_PASSWORDS.strip())))


def is_password(header: str) -> bool:
    """Whether a column holds passwords or other secrets. In doubt it does: only the headers of `_ABOUT_PASSWORDS`,
    which are known not to, are spared.
    """
    header = visible_header(header.strip())
    named = (form for form in forms(header) if not form.startswith("["))
    if any(_letters_and_digits(form) in _NO_PASSWORDS for form in named):
        return False
    text = _plain(header)
    runs, words = _words(text), _words(_CAMEL.sub(" ", text))
    if _ANYWHERE.search("".join(runs)) or any(map(_WITHIN_WORD.search, words)):
        return True
    return any(map(_WHOLE_WORD.fullmatch, (*runs, *words)))
