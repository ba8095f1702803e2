"""Files → rows: what kind of file it is, its encoding and dialect, its header, and every row with its line.

`table.open_table` is the door.
"""
