"""Rows → contacts: the rules for accounts, phones, emails and rows, and the one table of reason codes. Pure.

Import the modules themselves: `codes` is light, `judge` loads the libraries for phones and emails.
"""
