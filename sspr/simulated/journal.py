"""What was asked and answered, for tests and for whoever debugs a client: one record per request and batch item."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import urlsplit


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

    def as_line(self) -> str:
        """The record as one line of JSON, without bodies: what was asked, and what became of it."""
        parts = urlsplit(self.url)
        return json.dumps(
            {
                "time": datetime.fromtimestamp(self.time, UTC).isoformat(timespec="milliseconds"),
                "number": self.number,
                "batch": self.batch,
                "item": self.item,
                "method": self.method,
                "url": f"{parts.path}{'?' if parts.query else ''}{parts.query}",
                "status": self.status,
                "error": _code(self.response_body) if self.status >= 400 else None,
                "account": self.account,
                "applied": self.applied,
                "early": self.early,
                "fault": self.fault,
            },
            ensure_ascii=False,
        )


def _code(body: Any) -> str | None:
    """Graph's error code; the body may stand twice inside itself."""
    while isinstance(body, dict) and "error" in body:
        body = body["error"]
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, str) else None


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


class Tally(Journal):
    """Counts and keeps no record, so that a tenant may be served for days; each is a line of ``file`` where one is
    given, at once, so that it can be watched. ``failure``: why lines are no longer written.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        super().__init__()
        self._file = file
        self.counts = {"requests": 0, "writes": 0, "answered 429": 0, "early": 0}
        self.failure: OSError | None = None

    def add(self, record: Record) -> None:
        """Counts a record and writes its line."""
        graph = "/v1.0/" in record.url
        call = graph and not record.url.endswith("/$batch")
        self.counts["requests"] += graph and record.batch is None
        self.counts["writes"] += call and record.applied
        self.counts["answered 429"] += call and record.status == 429
        self.counts["early"] += call and record.early
        if self._file is None or self.failure is not None:
            return
        try:
            self._file.write(f"{record.as_line()}\n")
            self._file.flush()
        except OSError as failure:
            self.failure = failure
