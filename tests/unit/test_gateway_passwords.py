"""Passwords are hashed at the cost that is asked for, and by none but Argon2id."""

from dop_gateway.identity.passwords import PasswordCost, Passwords
from dop_gateway.settings import Settings
from hw.entropy import SeededEntropy


def test_a_password_costs_what_the_settings_say() -> None:
    """64 MiB, 3 passes, 4 lanes, as RFC 9106 has it for little memory."""
    usual = Settings()
    cost = PasswordCost(
        usual.password_memory_kib, usual.password_passes, usual.password_lanes
    )
    assert cost == PasswordCost()
    passwords = Passwords(cost, SeededEntropy(b"passwords"))
    stored = passwords.hash("seven brown foxes jump")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.is_right("seven brown foxes jump", stored)
    assert not passwords.is_right("seven brown foxes jumped", stored)
    assert not passwords.is_dated(stored)
