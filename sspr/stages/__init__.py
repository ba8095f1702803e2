"""The stages of a run, each idempotent over the ledger: check, compare, apply, verify, report.

A stage asks the ledger what is left and moves it forward; it may be run again at any time, by any process.
"""
