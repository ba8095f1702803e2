"""What was asked and answered, for tests and for whoever debugs a client: one record per request and batch item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One request to Graph or sign-in, or one item of a batch.

    ``time``: arrival, by the tenant's clock. ``batch``: number of the HTTP request whose item this is, None for a
    request of its own; ``item`` its id there. ``status``: as answered, 0 where no answer left (reset). ``account``: id
    of the account concerned. ``applied``: a change was carried out, whatever the answer said. ``early``: sent
    before a Retry-After of the same quota had passed. Bodies are parsed JSON, None where there was none; those
    of sign-in are left out.
    """

    number: int
    time: float
    method: str
    url: str
    status: int
    batch: int | None = None
    item: str | None = None
    request_body: Any = field(default=None, repr=False)
    response_body: Any = field(default=None, repr=False)
    account: str | None = None
    applied: bool = False
    early: bool = False
    fault: str | None = None


class Journal:
    """Records in the order of their answers. Reading from another thread sees every record once it is in."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def add(self, record: Record) -> None:
        """Appends a record."""
        self._records.append(record)

    def clear(self) -> None:
        """Forgets what was recorded."""
        self._records.clear()

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self._records))

    def __len__(self) -> int:
        return len(self._records)

    def requests(self) -> list[Record]:
        """HTTP requests to Graph: batches and single ones, without the items inside."""
        return [each for each in self if each.batch is None and "/v1.0/" in each.url]

    def calls(self) -> list[Record]:
        """Single requests and batch items, without the envelopes."""
        return [each for each in self if "/v1.0/" in each.url and not each.url.endswith("/$batch")]

    def writes(self) -> list[Record]:
        """The changes that were carried out, also where the answer was lost or said otherwise."""
        return [each for each in self.calls() if each.applied]

    def throttled(self) -> list[Record]:
        """Calls answered 429."""
        return [each for each in self.calls() if each.status == 429]

    def early(self) -> list[Record]:
        """Calls that did not wait as they had been told to."""
        return [each for each in self.calls() if each.early]
