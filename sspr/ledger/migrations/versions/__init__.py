"""The revisions. Each finds what may already be there: the first ledgers did not note what they stood at."""
