"""The bench: plays one end of FMP/1 by a script, and says how the other end did.

The data's way through it:

    catalogue (TOML) ── Case ── Step … ── Player ── Call ── Station ── a line
                                            │
                                         Verdict, Trace ── reports, package

A *case* tests one clause of `protocol/SPEC.md` by *steps*: what the bench says, and
what it expects of the unit under test. The bench plays a server to a machine, and a
machine to a server; it takes no part in deciding what is right but through the steps
and the books that it keeps of the peer.
"""
