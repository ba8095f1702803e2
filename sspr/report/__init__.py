"""What a run leaves in its output folder, and its summary in words.

    write.py    the four files of an output folder, in one pass over the rows
    content.py  what `report.json` holds, and the counting of it
    tables.py   the two CSV files: every row, and the rows to mend and give back
    words.py    the sentences that every form of the report shares
    html.py     `report.html`, from `report.html.j2`
    text.py     the summary for a terminal, for Prefect's artifact and for its final state

Files hold contact data where a person needs it to work on a row, and are for their owner alone. `text.py`
holds none.
"""
