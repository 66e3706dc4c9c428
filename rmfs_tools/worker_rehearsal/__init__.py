"""`rmfs server rehearse workers`: workers and their database are killed under load.

A server with several workers runs as in service, on a PostgreSQL of its own that waits
for the disk at each commit. A fleet of machines dials in at a steady rate, whether it
is answered or not. All the while a worker is killed each second, and once the database;
each with SIGKILL, and each is back a moment later. Then every machine dials once more,
and everything is counted: what a machine was told is in the books, once.
"""
