"""The Department's SFTP drop: what a maker's server sees of the exchange.

`limits` bounds what one client may take up, `tree` is what it sees as files and
folders, `session` speaks SFTP for it, `server` lets it in. Nothing here touches a file
or a folder of this computer: names are looked up in a `Drop` (`exchange.drop`).
"""
