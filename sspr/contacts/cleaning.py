"""What spreadsheets and copying put around a value, taken off again. Nothing here changes the value itself."""

from __future__ import annotations

import re
import unicodedata

# No address, number or country is longer; what is gets no further, so that no pattern has to wade through it.
MAX_CELL = 400

_PLACEHOLDERS = frozenset({
    "-", "--", "---", "–", "—", "_", ".", "..", "...", "/", "*", "?", "??", "???", "x", "xx", "xxx", "xxxx",
    "n/a", "na", "n.a.", "n.a", "n/v", "n/d", "n.d.", "none", "null", "nil", "nan", "no", "unknown",
    "undefined", "tbd", "tba", "tbc", "todo", "empty", "blank", "(blank)", "<blank>", "(empty)", "(null)",
    "<null>", "[null]", "(none)", "<none>", "<na>", r"\n", "#n/a", "#ref!", "missing", "not provided",
    "not available", "not applicable", "not set", "not known", "not given", "no phone", "no mobile",
    "no number", "no email", "no e-mail", "keine", "kein", "keins", "k.a.", "nein", "leer", "unbekannt",
    "nicht vorhanden", "s/o", "aucun", "aucune", "inconnu", "néant", "ninguno", "desconocido", "s/n",
    "nessuno", "sconosciuto", "nenhum", "não", "geen", "onbekend", "ingen", "inget", "okänt", "brak", "není",
    "yok", "нет", "неизвестно", "немає", "なし", "无", "無", "没有", "없음",
})  # fmt: skip
# ="0171 2345", ='0171', =+44 7911 …: how spreadsheets are told to keep a text.
_FORMULA = re.compile(r"""=\s*(?:"(?P<text>[^"]*)"|(?P<number>\+[\d\s().-]+))""")
_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("„", "“"), ("‘", "’"), ("«", "»"), ("”", "”"), ("`", "`"))

_WRAPPERS = ("=", "'", '"', "`")


def unwrapped(text: str) -> str:
    """`text` without invisible characters, outer space, a spreadsheet's text protection and outer quotes."""
    text = visible(text).strip()
    if text.isascii() and not text.startswith(_WRAPPERS):
        return text
    while text:
        before = text
        formula = _FORMULA.fullmatch(text)
        if formula:
            text = formula["text"] if formula["text"] is not None else formula["number"]
        for opening, closing in _QUOTES:
            if len(text) >= 2 and text.startswith(opening) and text.endswith(closing):
                text = text[1:-1]
                break
        else:
            text = text.removeprefix("'")
        text = text.strip()
        if text == before:
            break
    return text


def visible(text: str) -> str:
    """`text` without format characters (zero-width, bidirectional marks, BOM), every kind of space made plain."""
    if text.isascii():
        return text
    return "".join(
        " " if unicodedata.category(character) == "Zs" else character
        for character in text
        if unicodedata.category(character) != "Cf"
    )


def is_placeholder(text: str) -> bool:
    """Whether an unwrapped text only says that there is no value."""
    return text.casefold() in _PLACEHOLDERS
