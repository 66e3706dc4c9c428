"""Fuzzing: cases that nobody has written, played on a bench and judged by oracles.

A fuzz case is a list of steps of the same language as a case of the catalogue. It is
drawn by Hypothesis from the message tables (`grammar`), played leniently (`playing`),
and judged by what must hold whatever was said (`oracles`). What was reached is counted
(`coverage`), and steers what is drawn next.
"""
