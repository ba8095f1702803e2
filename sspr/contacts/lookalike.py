"""Mail domains that may not be the ones that are meant: letters that look like others, a slip of the keyboard."""

from __future__ import annotations

import unicodedata

OTHER_LETTERS = "letters that look like others"

_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "GEORGIAN"})
# Letters of other alphabets that pass for Latin ones (Unicode Technical Standard 39, confusables).
_LATIN_TWINS = frozenset("аеорсухіјѕһԁԛԝӏѵүкԍвмнтгԜαονρυικτεχωγ")
# Latin letters that pass for plainer ones, and the countries that write with them.
_PLAINER = {"ı": ("tr", "az"), "ɡ": (), "ɑ": (), "ǀ": ()}
# Names under which most private mail is received, and whether they have national domains (hotmail.fr, yahoo.co.jp).
# Shorter names (gmx, aol, live) are one letter away from too many others to tell a slip from a domain of its own.
_PROVIDERS = {
    "gmail": False, "googlemail": False, "icloud": False,
    "hotmail": True, "outlook": True, "yahoo": True, "protonmail": True,
}  # fmt: skip
# First letter of a slip → the providers it may have been meant for; the first two letters may be swapped.
_NEAR = {
    letter: tuple(name for name in _PROVIDERS if letter in name[:2])
    for letter in {letter for name in _PROVIDERS for letter in name[:2]}
}
# "com" with one slip of the keyboard; none of these is a top-level domain. Those that are and look as if they were
# meant to be "com" make a name wrong only where it is a provider's.
_NO_COM = frozenset({
    "con", "cmo", "ocm", "comm", "coom", "ccom", "xom", "vom", "cim", "cpm", "clm", "cok", "c0m", "ocom",
})  # fmt: skip
_NEARLY_COM = frozenset({"co", "cm", "om"})
_SECOND_LEVEL = frozenset({"co", "com", "net", "org", "ne", "or"})


def doubt_of(domain: str) -> str:
    """Why a domain, given in lower-case ASCII, may not be the one that is meant; empty where nothing says so."""
    labels = [_unicode(label) for label in domain.split(".")]
    shown = "".join(labels)
    if "xn--" in domain and (
        any(_imitates(label, in_latin=labels[-1].isascii()) for label in labels)
        or any(letter in shown and labels[-1] not in home for letter, home in _PLAINER.items())
    ):
        return OTHER_LETTERS
    if labels[-1] in _NO_COM:
        return "its ending does not exist"
    return "nearly, but not quite, a well-known provider's" if _is_slip(labels) else ""


def _unicode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _imitates(label: str, *, in_latin: bool) -> bool:
    """Whether a label mixes alphabets, or looks Latin throughout (`in_latin`: under a Latin top-level domain)."""
    letters = [character for character in label if character.isalpha()]
    alphabets = {unicodedata.name(letter, "?").split(" ", 1)[0] for letter in letters} & _ALPHABETS
    if len(alphabets) > 1:
        return True
    return (
        in_latin and bool(letters) and not label.isascii() and all(each in _LATIN_TWINS for each in letters)
    )


def _is_slip(labels: list[str]) -> bool:
    split = -3 if len(labels) == 3 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else -2
    name, *under = labels[split:]
    if name in _PROVIDERS:  # gmail.co, hotmail.org
        national = _PROVIDERS[name] and len(under[-1]) == 2 and under[-1] not in _NEARLY_COM
        return not (under == ["com"] or national)
    return any(_one_slip(name, provider) for provider in _NEAR.get(name[:1], ()))


def _one_slip(name: str, meant: str) -> bool:
    """Whether one letter is missing, added or another, or two neighbours are swapped (Damerau–Levenshtein distance 1).

    Not at the first letter, where what differs is mostly another name: email.com, ymail.com, mail.com, cloud.com.
    """
    if abs(len(name) - len(meant)) > 1:
        return False
    same = 0
    while same < len(name) and same < len(meant) and name[same] == meant[same]:
        same += 1
    rest, wanted = name[same:], meant[same:]
    if rest[1::-1] == wanted[:2] and rest[2:] == wanted[2:]:
        return True
    return same > 0 and (rest[1:] == wanted or rest == wanted[1:] or rest[1:] == wanted[1:])
