"""Country texts: codes, names in many languages, and what HR files hold; no country is guessed."""

from __future__ import annotations

import csv
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.contacts import country
from sspr.contacts.country import fold, region

with Path(country.__file__).with_name("countries.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        (
            "GB",
            "UK|U.K.|GBR|826|United Kingdom|Great Britain|England|Scotland|Wales|Northern Ireland|England & Wales",
        ),
        (
            "GB",
            "UK - United Kingdom|United Kingdom (UK)|United Kingdom of Great Britain and Northern Ireland|GB GB",
        ),
        (
            "US",
            "USA|U.S.A.|U.S.|840|United States|The United States|United States of America (the)|America|EE.UU.",
        ),
        (
            "US",
            "US - United States|USA (United States of America)|Estados Unidos|États-Unis|Vereinigte Staaten",
        ),
        (
            "DE",
            "Deutschland|DEU|276|GER|DE - Germany|Germany (DE)|[DE] Germany|DE/Germany|Germany; DE|DE Germany",
        ),
        ("DE", "DE: Germany|GERMANY |Federal Republic of Germany|Allemagne|Bundesrepublik Deutschland|de"),
        ("KR", "Korea, Republic of|Korea (Republic of)|South Korea|Korea, South|대한민국|한국"),
        ("KP", "Korea, Democratic People's Republic of|North Korea|DPRK"),
        ("VN", "Viet Nam|Vietnam"),
        ("TR", "Türkiye|Turkey|Turkiye|Türkiye/Turkey|Turkey (Türkiye)"),
        ("CZ", "Czech Republic|Czechia|Česko|The Czech Republic|Tschechische Republik"),
        (
            "NL",
            "Holland|The Netherlands|Netherlands (the)|Netherlands, The|Nederland|Netherlands (Kingdom of the)",
        ),
        ("NA", "NA|na|NAM|Namibia"),
        ("CI", "Ivory Coast|Côte d’Ivoire|Cote d'Ivoire|COTE DIVOIRE"),
        ("CD", "Congo, Democratic Republic of the|DR Congo|DRC|Congo (DRC)|Congo (Kinshasa)"),
        ("CG", "Republic of the Congo|Congo (Brazzaville)|Congo, Republic of"),
        ("HK", "Hong Kong|Hong Kong SAR|Hong Kong S.A.R., China|Hongkong|Hong Kong SAR China"),
        ("TW", "Taiwan|Taiwan, Province of China|Republic of China"),
        ("CN", "China|P.R. China|PRC|People's Republic of China|中国"),
        ("MK", "North Macedonia|Macedonia, the former Yugoslav Republic of"),
        ("RU", "Russia|Russian Federation|Российская Федерация"),
        ("VA", "Holy See|Vatican City State|Holy See (Vatican City State)"),
        ("BA", "Bosnia and Herzegovina|Bosnia & Herzegovina|Bosnia-Herzegovina"),
        ("AE", "UAE|U.A.E.|United Arab Emirates (the)"),
        ("IE", "Ireland|Éire|Ireland, Republic of"),
        ("GR", "Greece|EL|Hellas|Ελλάδα"),
        ("XK", "Kosovo|XKX|Republic of Kosovo"),
        ("VI", "U.S. Virgin Islands|Virgin Islands (U.S.)|Virgin Islands, U.S."),
        ("SZ", "Eswatini|Swaziland|Eswatini (Swaziland)"),
        ("", "|-|n/a|N/A|none|(blank)|#N/A"),
        (None, "Korea|Congo|Virgin Islands|Narnia|Europe|Asia|EMEA|Other|Global|XX|ZZ|EU|unknown"),
        (
            None,
            "44|1|356|36|+44|California|DE - Delaware|GA - Georgia|US/CA|DE-AT|Germany or Austria|CA (USA)",
        ),
    ],
)
def test_what_hr_files_hold(code: str | None, texts: str) -> None:
    assert {text: region(text) for text in texts.split("|")} == dict.fromkeys(texts.split("|"), code)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["alpha_2"])
def test_every_code_and_name_is_its_country_and_no_other(row: dict[str, str]) -> None:
    code = row["alpha_2"]
    for text in (code, code.lower(), row["alpha_3"], row["numeric"], *row["names"].split("|")):
        assert region(text) == code or not text, text
        assert region(f"{text} ({code})") == code or not text, text


def test_no_name_is_given_to_two_countries() -> None:
    owners: dict[str, set[str]] = {}
    for row in ROWS:
        for text in (row["alpha_2"], row["alpha_3"], row["numeric"], *row["names"].split("|")):
            owners.setdefault(fold(text), set()).add(row["alpha_2"])
    owners.pop("")
    assert {name: codes for name, codes in owners.items() if len(codes) > 1} == {}


def test_no_numeric_code_is_a_telephone_country_code() -> None:
    numeric = {int(row["numeric"]) for row in ROWS if row["numeric"]}
    assert len(numeric) > 150
    assert numeric.isdisjoint(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def test_every_region_with_numbers_is_known() -> None:
    assert {code for code in phonenumbers.SUPPORTED_REGIONS if region(code) != code} == set()


@given(st.text(max_size=60))
def test_any_text_is_a_country_or_none(text: str) -> None:
    assert region(text) in {None, "", *(row["alpha_2"] for row in ROWS)}


@pytest.mark.parametrize(
    ("text", "code"), [("ČR", None), ("CR", "CR"), ("ＣＲ", "CR"), ("日本", "JP"), ("Čad", "TD")]
)
def test_an_abbreviation_with_accents_is_nobody_elses_code(text: str, code: str | None) -> None:
    assert region(text) == code
