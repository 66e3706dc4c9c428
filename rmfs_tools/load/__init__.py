"""Load: machines in memory that dial a real server at a rate, and are counted.

Dial-ins come due at moments that a seed chooses, whether those before them were
answered or not: an open loop, as customers are. `driving` starts the processes of a
run, `calling` is what each of them does, `judging` holds the books against every
machine in the end, `page` draws what went on.
"""
