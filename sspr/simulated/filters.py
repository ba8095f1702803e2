"""$filter as the directory understands it: a small grammar, read into a predicate over JSON objects.

Operators and limits: learn.microsoft.com, "Use the $filter query parameter", "Advanced query capabilities on
Microsoft Entra ID objects" and the known issues on query parameters (15 clauses, 120 characters for ``eq``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sspr.simulated.errors import GraphError, bad_request, not_simulated, unsupported_query

MAX_CLAUSES = 15
MAX_EQ_LENGTH = 120

Predicate = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<word>[A-Za-z_@][\w./:@-]*)|(?P<number>-?\d[\w.:-]*)|(?P<mark>[(),]))"
)


@dataclass(frozen=True, slots=True)
class Property:
    """What may be asked of a property. ``basic`` operators always, ``advanced`` ones with ConsistencyLevel:
    eventual and $count=true. ``many``: a collection, asked with any().
    """

    basic: frozenset[str]
    advanced: frozenset[str] = frozenset()
    kind: type = str
    many: bool = False


def prop(basic: str, advanced: str = "", kind: type = str, many: bool = False) -> Property:
    """A :class:`Property` from operators written as words."""
    return Property(frozenset(basic.split()), frozenset(advanced.split()), kind, many)


@dataclass(frozen=True, slots=True)
class Filter:
    """A read filter. ``keys``: property → the values (folded) one of which a hit must hold, where the filter says
    so; what an index can use. Otherwise empty.
    """

    test: Predicate
    keys: Mapping[str, frozenset[str]]


def parse(
    text: str,
    properties: Mapping[str, Property],
    resource: str,
    *,
    advanced: bool,
    beyond: Collection[str] = (),
) -> Filter:
    """Reads a $filter. Raises :class:`GraphError` 400 on bad syntax, unknown properties, unsupported operators
    and more than 15 clauses joined by or (``in`` counts each value), 501 on properties of ``beyond`` that are not
    among ``properties``.
    """
    return _Reader(text, properties, resource, advanced, beyond).read()


class _Reader:
    def __init__(
        self,
        text: str,
        properties: Mapping[str, Property],
        resource: str,
        advanced: bool,
        beyond: Collection[str],
    ) -> None:
        self.text, self.properties, self.resource, self.advanced = text, properties, resource, advanced
        self.beyond = beyond
        self.tokens = list(self._scan())
        self.at = 0
        self.clauses = 0

    def _scan(self) -> Any:
        at = 0
        while self.text[at:].strip():
            found = _TOKEN.match(self.text, at)
            if found is None:
                raise self._syntax(at)
            yield found.lastgroup, found[found.lastgroup or 0], found.start()
            at = found.end()

    def _syntax(self, at: int) -> GraphError:
        return bad_request(f"Invalid filter clause: Syntax error at position {at}.", "BadRequest")

    def _peek(self) -> str:
        return str(self.tokens[self.at][1]) if self.at < len(self.tokens) else ""

    def _take(self, *wanted: str) -> str:
        """The next token; one of ``wanted`` where given."""
        if self.at >= len(self.tokens) or (wanted and self._peek() not in wanted):
            raise self._syntax(self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text))
        self.at += 1
        return str(self.tokens[self.at - 1][1])

    def read(self) -> Filter:
        result = self._or()
        if self.at != len(self.tokens):
            raise self._syntax(self.tokens[self.at][2])
        if self.clauses > MAX_CLAUSES and not self.advanced:
            raise unsupported_query(
                "Too many child clauses specified in search filter expression containing 'OR' operators: "
                f"{self.clauses}. Max allowed: {MAX_CLAUSES}."
            )
        return result

    def _or(self) -> Filter:
        parts, before = [self._and()], self.clauses
        while self._peek() == "or":
            self._take()
            parts.append(self._and())
        if len(parts) == 1:
            return parts[0]
        if self.clauses == before:
            self.clauses += len(parts)
        names = set.intersection(*(set(part.keys) for part in parts))
        keys = {name: frozenset().union(*(part.keys[name] for part in parts)) for name in names}
        return Filter(lambda item: any(part.test(item) for part in parts), keys)

    def _and(self) -> Filter:
        parts = [self._term()]
        while self._peek() == "and":
            self._take()
            parts.append(self._term())
        if len(parts) == 1:
            return parts[0]
        keys: dict[str, frozenset[str]] = {}
        for part in parts:
            keys.update(part.keys)
        return Filter(lambda item: all(part.test(item) for part in parts), keys)

    def _term(self) -> Filter:
        if self._peek() == "not":
            self._take()
            if not self.advanced:
                raise unsupported_query("Operator 'not' is not supported without advanced query parameters.")
            inner = self._term()
            return Filter(lambda item: not inner.test(item), {})
        if self._peek() == "(":
            self._take()
            inner = self._or()
            self._take(")")
            return inner
        name = self._take()
        if name in ("startsWith", "endsWith", "startswith", "endswith"):
            return self._function(name.lower())
        if name.endswith("/any"):
            return self._any(name.removesuffix("/any"))
        return self._compare(name)

    def _allowed(self, name: str, operator: str, many: bool = False) -> Property:
        known = self.properties.get(name)
        if known is None and name.partition("/")[0] in self.beyond:
            raise not_simulated(f"$filter on {name}")
        if known is None or known.many != many or operator not in known.basic | known.advanced:
            raise unsupported_query(
                f"Unsupported or invalid query filter clause specified for property '{name}' "
                f"of resource '{self.resource}'."
            )
        if operator not in known.basic and not self.advanced:
            raise unsupported_query(
                f"Operator '{operator}' is not supported for property '{name}' without "
                "ConsistencyLevel: eventual and $count=true."
            )
        return known

    def _function(self, operator: str) -> Filter:
        self._take("(")
        name = self._take()
        self._allowed(name, operator)
        self._take(",")
        value = str(self._literal(str)).casefold()
        self._take(")")
        if operator == "startswith":
            return Filter(lambda item: str(item.get(name) or "").casefold().startswith(value), {})
        return Filter(lambda item: str(item.get(name) or "").casefold().endswith(value), {})

    def _any(self, name: str) -> Filter:
        self._take("(")
        variable = self._take()
        if not variable.endswith(":"):
            # "m:m" is one word to the scanner, "m: m" two.
            variable, _, inner = variable.partition(":")
        else:
            variable, inner = variable[:-1], self._take()
        if inner != variable:
            raise self._syntax(self.tokens[self.at - 1][2])
        self._take("eq")
        self._allowed(name, "eq", many=True)
        value = str(self._literal(str)).casefold()
        self._take(")")
        return Filter(lambda item: any(str(each).casefold() == value for each in item.get(name) or ()), {})

    def _compare(self, name: str) -> Filter:
        operator = self._take("eq", "ne", "in", "ge", "le")
        known = self._allowed(name, operator)
        if operator == "in":
            self._take("(")
            values = [self._literal(known.kind)]
            while self._peek() == ",":
                self._take()
                values.append(self._literal(known.kind))
            self._take(")")
            self.clauses += len(values)
            return _one_of(name, values)
        value = self._literal(known.kind)
        if operator == "eq":
            if isinstance(value, str) and len(value) > MAX_EQ_LENGTH:
                raise unsupported_query(
                    f"The value of property '{name}' is longer than {MAX_EQ_LENGTH} characters."
                )
            return _one_of(name, [value])
        folded = _fold(value)
        if operator == "ne":
            return Filter(lambda item: _fold(item.get(name)) != folded, {})
        if operator == "ge":
            return Filter(lambda item: str(_fold(item.get(name)) or "") >= str(folded), {})
        return Filter(lambda item: str(_fold(item.get(name)) or "") <= str(folded), {})

    def _literal(self, kind: type) -> Any:
        at = self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)
        token = self._take()
        if token == "null" and self.advanced:
            return None
        if kind is bool and token in ("true", "false"):
            return token == "true"
        if kind is str and token.startswith("'"):
            return token[1:-1].replace("''", "'")
        raise bad_request(
            f"A binary operator with incompatible types was detected at position {at}.", "BadRequest"
        )


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _one_of(name: str, values: list[Any]) -> Filter:
    wanted = {_fold(value) for value in values}
    keys = {name: frozenset(wanted)} if all(isinstance(value, str) for value in wanted) else {}
    return Filter(lambda item: _fold(item.get(name)) in wanted, keys)
