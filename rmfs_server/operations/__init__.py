"""Running the recharge server for years: what is counted, logged, asked and ordered.

    figures.py      what happened since the start, as plain numbers
    call_record.py  one call: its id, its lines in the log, its share of the figures
    logs.py         how the log is written: text for people, JSON for programs
    process.py      one process as others see it, as plain data
    books_picture.py  what the books know of what is open, frozen or to be exchanged
    books_watch.py  asking them without waiting for a database that is cut off
    metrics.py      both for Prometheus
    serving.py      a few paths over HTTP
    web.py          which paths there are, and their answers
    opening.py      the places where they are answered
    asking.py       asking the processes of a server, each at its socket in the folder
    status.py       the answers for people; `cli.py` and `draining.py` are the commands
    recipe/         alert rules for Prometheus

Nothing here decides about a recharge.
"""
