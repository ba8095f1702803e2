"""The command `sspr`: a file per verb, one table of outcomes → exit codes."""
