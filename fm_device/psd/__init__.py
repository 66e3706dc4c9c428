"""The postal security device: registers, keys, counters, voucher checks, channel end.

This folder is the boundary. Nothing outside it reads a private key or writes a register
but by a call of `Psd` (`device`), and everything that such a call changes is stored in
NVRAM before the call returns.

Start with `device` (the calls), then `states` (the life of a machine), `records` (what
is stored), `franking`, `crediting` and `orders` (what changes it), `vault` (how it
survives a power cut).
"""
