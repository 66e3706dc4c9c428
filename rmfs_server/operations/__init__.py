"""Running the recharge server for years: what is counted, logged, asked and ordered.

    figures.py      what happened since the start, as plain numbers
    call_record.py  one call: its id, its lines in the log, its share of the figures
    logs.py         how the log is written: text for people, JSON for programs

Nothing here decides about a recharge.
"""
