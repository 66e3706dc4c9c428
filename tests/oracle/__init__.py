"""A witness of traffic, written from `protocol/SPEC.md` alone.

It shares no code with the product: octets of a line, as they came from both ends, are
read here by another reader than the product's, so that two readings can be compared.
With it stand the other readers from the text, in `tests/witness/spec_*.py`; none of
them imports anything of the product, which a house test holds
(`tests/house/test_witnesses.py`).

- `octets`: frames between flags, escapes, FCS (LINK-1 to 3)
- `link`: which link is up, which frames count, what they carry (LINK-4 to 17)
- `channel`: greetings, records, errors, messages with all fields (CHAN, DLG-2)
- `secrets`: what a listener is told: a key log, or one end's keys
- `witness`: all of it, line by line
- `money`: registers, vouchers, signatures, digests, judged (REG, KEY, DLG-9, CONT)
- `capture`: the files that a certification leaves
"""
