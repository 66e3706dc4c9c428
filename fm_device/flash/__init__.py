"""The firmware's own memory: settings, event log, contents that orders brought.

It lies outside the PSD and holds no money: whatever is lost here, the registers and
keys are whole, and what is genuine is decided by the PSD. Everything in it survives a
power cut at every write and inside one.

Start with `layout` (what lies where), then `settings`, `events`, `contents`.
"""
