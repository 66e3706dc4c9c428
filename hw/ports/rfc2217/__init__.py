"""Serial ports across a network: RFC 2217 over telnet, both as client and as server."""
