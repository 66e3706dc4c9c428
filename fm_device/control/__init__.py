"""The control port: a machine at a test rig, driven over HTTP on this computer alone.

    plug.py        the machine's power, and cuts of it at a chosen moment
    stand.py       the machine with its plug, its panel and what it tells
    dialling.py    its dial-ins, which last
    once.py        what was done for a key is not done again
    thread.py      the one thread that the machine is used in
    stream.py      what happens, to whoever listens: bounded queues
    guard.py       who may ask at all: host, token, sizes, number, time
    token.py       the token and its file
    problems.py    errors as RFC 9457 problems, with the machine's codes
    bodies.py      what requests carry
    answers.py     what answers carry
    *_routes.py    one route for each thing that can be done
    service.py     all of it put together, as an ASGI application
    program.py     a socket, uvicorn, and an end in order
    cli.py         `rmfs machine control`

Rules: the machine is used by one thread; no request waits without an end; nothing is
opened but by the command; whatever the machine refuses keeps its code.

Source: docs/control.md; docs/decisions/control-port.md.
"""
