"""Files with the Department: what it sends is carried out, what it is to know is sent.

`session` is one dialling: take, judge, answer, make, hand over. `remote` is the place
where files lie, `sftp` the one that the Department's server offers. `taking` carries a
file out in one transaction with its record; `making` decides in one transaction what
the files of a window hold. `windows` says when, `program` runs it.

Source: RMFS-31 to RMFS-35; docs/exchange-session.md.
"""
