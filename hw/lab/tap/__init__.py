"""The passive tap: judges ordinary traffic by the clauses of SPEC.md, and says nothing.

The data's way through it:

    SeenRecord ── LineDecoder ─┬─ LinkJudge ───── frames
                               ├─ ChannelJudge ── packets
                               └─ DialogueJudge ─ messages, with a key log
                                       │
                                     Sheet ── a row for each clause and side

A judge looks at what it has seen for certain. A tap may have missed a frame, and a
frame that it saw may be lost behind it; so whatever rests on an end having received
something is judged only where that end has shown that it did. `looks.toml` says what is
looked at for each clause, and for each side of a line; what is not there stays unseen.
"""
