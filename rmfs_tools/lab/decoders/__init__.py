"""Whatever octets come: the decoders of the product under Atheris.

Everything that reads octets of a peer, of a file or of a memory is a *target*. Atheris
(libFuzzer) changes what the target is given, led by what the code has run, and begins
with the project's own vectors. Two properties are held:

- nothing comes out but a value, or an error that the decoder's docstring names;
- what was read and can be written is read back as the same, and written as the same.

Each target runs in a process of its own, for a number of runs that is fixed in its
table, so that a run in continuous integration is bounded and repeatable.

Left out, and why:

- USB and TCP carry the line's octets and add no form of their own;
- pictures of franks: Pillow and zxing-cpp read them, on the desk of whoever looks;
- the database, and the ring of events in the flash: nobody else writes there, and
  each entry of the ring has a digest, which is looked at before anything else;
- HTTP itself at the control port: uvicorn and FastAPI read it; the bodies are here;
- what a person types at a panel or behind a command, but for the strings of lines and
  scales, which stand in files as well;
- the catalogue, the zoo and the model: data of this tree, read by tests.
"""
