"""Modems: the dialogue with one, and one that is emulated, after ITU-T V.250.

Start with `dialogue` (what a machine or a server says to a modem, as a table) and
`emulated` (what the modem says, as another). docs/modem.md shows both.
"""
