"""The Wireshark dissector of FMP/1: one Lua script, made from the codecs' own tables.

Nothing that SPEC.md or the codecs say is written a second time: `tables` turns their
tables into Lua, and the parts beside it (`*.lua`) only walk them. `script` joins both.
No copy is kept in the tree: `rmfs dissector install` makes it when it is wanted.
"""

from rmfs_tools.dissector.script import FILE_NAME, MARK, make_script

__all__ = ["FILE_NAME", "MARK", "make_script"]
