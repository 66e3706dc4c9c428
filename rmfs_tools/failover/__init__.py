"""`rmfs server rehearse failover`: the leader of three PostgreSQLs falls.

Three nodes with PostgreSQL, Patroni and etcd stand in network namespaces of their own
on this computer; HAProxy and a recharge server stand beside them, and machines recharge
all the time. One node after the other is killed, cut off or frozen. Then it is counted:
every recharge that a machine was granted has to be in the books, once.

`recipe/` holds the settings as they are for service, `docs/high-availability.md` what
they are for. Everything lives in namespaces of network, mounts and processes that end
with the command, however it ends (`entering`).

Source: reliability notes, sections 4.3 and 4.4.
"""
