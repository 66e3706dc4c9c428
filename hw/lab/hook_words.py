"""What a declaration that is to be filled in says of control ports and hooks."""

from typing import Final

_HOOKS_END: Final = """\
# What memory prints, or is answered, is a number of octets. Exit code 0 or a status of
# 200 to 299: it is done. 109 or 409: the unit itself refuses (alive: it does not run).
# All else is an ERROR: the hook has failed, and nothing is said of the unit.
"""
MACHINE_HOOKS: Final = (
    """
# A machine at a control port (docs/control.md) needs nobody:
# [control]
# url = "http://127.0.0.1:40123"
# token_file = "machine/control-token"

# Elsewhere the person at the terminal is asked, or a hook does it. A command or a call
# is filled in: dial has {request}, {amount_paise} and {repeatedly}, frank {paise} and
# {product_class}, power {what}, ask {what}, {value} and {licence}; alive and memory
# have nothing.
"""
    + _HOOKS_END
    + """\
# [hooks.dial]
# command = ["./press", "dial", "{request}", "{amount_paise}"]
# [hooks.power]
# url = "http://127.0.0.1:8080/plug"
# body = { action = "{what}" }
# token_file = "plug-token"
"""
)
SERVER_HOOKS: Final = (
    """
# The person at the terminal is asked, or a hook does it. A command or a call is filled
# in: ask has {what}, {value} and {licence}, power {what}; alive and memory have
# nothing.
"""
    + _HOOKS_END
    + """\
# [hooks.ask]
# command = ["./at-the-server", "{what}", "{value}", "{licence}"]
"""
)
