"""A shorter way past libphonenumber for plain digits, compiled from the library's own metadata: whatever version is
installed, its plans are the ones that count. It answers only where it is certain of the library's answer; for
everything else (a carrier code, a completed local number, an international prefix) the library is asked.

What the library works out per number is worked out here once: a plan's types of one length are one pattern, tried in
the library's order. A plan is compiled when its first number comes.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
# What people write before a number at home, and out of habit after a country code. Longer prefixes choose a carrier.
TRUNK_PREFIXES = frozenset({"", "0", "1", "8", "06", "80"})

# How short and long the library lets a national significant number be, whatever the plan says.
_SHORTEST, _LONGEST = 2, 17
_NON_GEOGRAPHIC = ("001",)
# The order in which the library looks for a number's type, before fixed line and mobile.
_SPECIAL = (
    (PhoneNumberType.PREMIUM_RATE, "premium_rate"),
    (PhoneNumberType.TOLL_FREE, "toll_free"),
    (PhoneNumberType.SHARED_COST, "shared_cost"),
    (PhoneNumberType.VOIP, "voip"),
    (PhoneNumberType.PERSONAL_NUMBER, "personal_number"),
    (PhoneNumberType.PAGER, "pager"),
    (PhoneNumberType.UAN, "uan"),
    (PhoneNumberType.VOICEMAIL, "voicemail"),
)
_KIND_OF_GROUP = {f"kind{kind}": kind for kind in PhoneNumberType.values()}


class Reading(NamedTuple):
    """A number: its country code, its national significant number and what the library's `number_type` says of it."""

    country_code: int
    national: str
    kind: int


def international(digits: str) -> Reading | None:
    """The number that `+` and these digits are, valid or not; None where only the library can tell."""
    codes = _codes()
    for length in (1, 2, 3):
        code = codes.get(digits[:length])
        if code is not None:
            break
    else:
        return None
    national = digits[length:]
    plans = _plans(code)
    if not (_SHORTEST <= len(national) <= _LONGEST and plans[0].leaves(national)):
        return None
    return Reading(code, national, _kind(plans, national))


def at_home(digits: str, region: str) -> Reading | None:
    """The number that these digits are in a region, valid or not; None where only the library can tell, and where the
    same digits may be one of the region's numbers with the country code in front.
    """
    plan = _plan(region)
    if plan is None or plan.is_dialled_abroad(digits) or not _SHORTEST <= len(digits) <= _LONGEST:
        return None
    plans = _plans(plan.code)
    if digits.startswith(plan.code_digits):
        national = digits[len(plan.code_digits) :]
        # The country code is there, and the digits fit the plan without it only.
        only_without = plan.fits(national) and not plan.has_form(digits)
        if not (only_without and plan.leaves(national) and plans[0].leaves(national)):
            return None
        return Reading(plan.code, national, _kind(plans, national))
    without = plan.without_prefix(digits)
    return None if without is None else Reading(plan.code, without, _kind(plans, without))


def kind(country_code: int, national: str) -> int:
    """What the library's `number_type` says of a national significant number."""
    if country_code not in COUNTRY_CODE_TO_REGION_CODE:
        return PhoneNumberType.UNKNOWN
    return _kind(_plans(country_code), national)


def fits_plan(country_code: int, national: str) -> bool:
    """Whether the digits are of the general form of the country code's numbers, in use or not."""
    return country_code in COUNTRY_CODE_TO_REGION_CODE and _plans(country_code)[0].fits(national)


def lengths(country_code: int) -> tuple[int, ...]:
    """How many digits the numbers of a country code have behind it, ascending."""
    return _plans(country_code)[0].lengths


def usual_length(country_code: int) -> int:
    """How many digits a mobile number of the country code has as a rule: as many as the library's example."""
    return _plans(country_code)[0].usual_length


def international_prefix(digits: str, region: str) -> str:
    """The digits at the start that dial abroad from a region; empty where there are none."""
    plan = _plan(region)
    found = plan.abroad.match(digits) if plan is not None and plan.abroad is not None else None
    return found[0] if found else ""


class _Plan:
    """One region's numbering plan."""

    def __init__(self, metadata: PhoneMetadata) -> None:
        self.code = metadata.country_code or 0
        self.code_digits = str(self.code)
        self.abroad = _compiled(metadata.international_prefix)
        self.leading = _compiled(metadata.leading_digits)
        self._prefix = _compiled(metadata.national_prefix_for_parsing)
        self._metadata = metadata
        self._general = metadata.general_desc or PhoneNumberDesc()
        self.lengths = tuple(self._general.possible_length)
        example = metadata.mobile.example_number if metadata.mobile is not None else None
        self.usual_length = len(example or "") or min(self.lengths)
        self._form = re.compile(_pattern(self._general) or _NEVER)
        self._kinds: dict[int, tuple[re.Pattern[str], re.Pattern[str] | None]] = {}

    def leaves(self, national: str) -> bool:
        """Whether the library takes no national prefix off these digits."""
        found = self._prefix.match(national) if self._prefix is not None else None
        return found is None or (found.end() == 0 and found.lastindex is None)

    def without_prefix(self, digits: str) -> str | None:
        """The digits as the library leaves them, or None where it does more than to take a trunk prefix off."""
        if self.leaves(digits):
            return digits
        found = self._prefix.match(digits) if self._prefix is not None else None
        if found is None or found.lastindex is not None or found[0] not in TRUNK_PREFIXES:
            return None
        national = digits[found.end() :]
        return national if self.fits(national) else None

    def fits(self, national: str) -> bool:
        """Whether the digits have the length and the general form of the plan's numbers."""
        return len(national) in self.lengths and self.has_form(national)

    def has_form(self, national: str) -> bool:
        """Whether the digits have the general form of the plan's numbers, which need not settle their length."""
        return self._form.fullmatch(national) is not None

    def is_dialled_abroad(self, digits: str) -> bool:
        return self.abroad is not None and self.abroad.match(digits) is not None

    def kind(self, national: str) -> int:
        length = len(national)
        patterns = self._kinds.get(length)
        if patterns is None:
            patterns = self._kinds[length] = self._patterns(length)
        found = patterns[0].fullmatch(national)
        if found is None:
            return PhoneNumberType.UNKNOWN
        kind = _KIND_OF_GROUP[found.lastgroup or ""]
        if kind == PhoneNumberType.FIXED_LINE and patterns[1] is not None and patterns[1].fullmatch(national):
            return PhoneNumberType.FIXED_LINE_OR_MOBILE
        return kind

    def _patterns(self, length: int) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
        """The types of numbers of one length as one pattern, a named group each; and that of mobile numbers."""
        of = self._metadata
        general = _pattern(self._general, length)
        kinds = [(kind, _pattern(getattr(of, name), length)) for kind, name in _SPECIAL]
        mobile = "" if of.same_mobile_and_fixed_line_pattern else _pattern(of.mobile, length)
        either = of.same_mobile_and_fixed_line_pattern
        fixed = PhoneNumberType.FIXED_LINE_OR_MOBILE if either else PhoneNumberType.FIXED_LINE
        kinds += [(fixed, _pattern(of.fixed_line, length)), (PhoneNumberType.MOBILE, mobile)]
        groups = "|".join(f"(?P<kind{kind}>{pattern})" for kind, pattern in kinds if pattern)
        whole = rf"(?=(?:{general})\Z)(?:{groups})" if general and groups else _NEVER
        return re.compile(whole), re.compile(mobile) if mobile else None


_NEVER = r"(?!)"


def _pattern(numbers: PhoneNumberDesc | None, length: int | None = None) -> str:
    """The pattern of some numbers; empty where there are none, or none of that length."""
    if numbers is None or (length and numbers.possible_length and length not in numbers.possible_length):
        return ""
    return numbers.national_number_pattern or ""


@cache
def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None


def _kind(plans: list[_Plan], national: str) -> int:
    """The type in the first plan of a country code that claims the number, as the library walks them."""
    if len(plans) == 1:
        return plans[0].kind(national)
    for plan in plans:
        if plan.leading is None:
            kind = plan.kind(national)
            if kind != PhoneNumberType.UNKNOWN:
                return kind
        elif plan.leading.match(national):
            return plan.kind(national)
    return PhoneNumberType.UNKNOWN


@cache
def _codes() -> dict[str, int]:
    return {str(code): code for code in COUNTRY_CODE_TO_REGION_CODE}


@cache
def _plans(country_code: int) -> list[_Plan]:
    """The plans that share a country code, the main region's first."""
    regions = COUNTRY_CODE_TO_REGION_CODE[country_code]
    if regions == _NON_GEOGRAPHIC:
        metadata = PhoneMetadata.metadata_for_nongeo_region(country_code)
        return [_Plan(metadata)] if metadata is not None else []
    return [plan for plan in map(_plan, regions) if plan is not None]


@cache
def _plan(region: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(region)
    return _Plan(metadata) if metadata is not None else None
