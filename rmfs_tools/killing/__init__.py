"""`rmfs dop rehearse-kills`: SIGKILL at random moments of the exchange, then a count.

Gateway and recharge server are processes as in service, and meet over SFTP on loopback.
Machines and people are played beside them, on the same books, between two sessions. A
kill takes no power away: what a process has written is there. Cuts of the power, and
kills during dial-ins, are tried by `tests/power` and `rmfs simulate`.
"""
