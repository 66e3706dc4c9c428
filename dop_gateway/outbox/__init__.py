"""Messages to people by e-mail and SMS, which a crash cannot lose.

    templates.toml, templates.py   what is said; nothing else is ever sent
    model.py       a message, its life and its outcomes
    tables.py, store.py            where it waits
    service.py     put a message in; deliver what is due
    ports.py       what a mailer and an operator of text messages are asked
    smtp.py, dlt_http.py           the real ones

A message is put in by the transaction of what it tells, and sent after it, outside of
any transaction. That is *at least once*: whoever dies between sending and storing sends
again. Each message has a reference, the same each time, by which it is recognised.

Source: GW-07; SR-13, SR-28; requirements, section 11 no. 13.
"""
