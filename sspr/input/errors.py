"""What makes a whole file unreadable. What is wrong with one row is said of the row instead."""

from __future__ import annotations

from sspr.errors import CannotStart


class InputError(CannotStart):
    """One or two sentences that name the file and what to do; never a cell's content."""
