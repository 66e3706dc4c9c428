"""How many hand-made stories begin: a machine with money that asks for more."""

from tests.observed import RUPEES_100, Story


def loaded() -> Story:
    """A machine has dialled, and has Rs 300."""
    story = Story()
    story.inspect()
    story.recharge(3 * RUPEES_100)
    return story


def asked(kind: str = "RECHARGE", amount: int = RUPEES_100) -> Story:
    """It has asked for something."""
    story = loaded()
    story.want(kind, amount)
    story.state()
    return story


def granted(kind: str = "RECHARGE", amount: int = RUPEES_100) -> Story:
    """It was granted, and the voucher has reached it."""
    story = asked(kind, amount)
    story.grant(kind, amount)
    return story


def confirmed(kind: str = "RECHARGE", amount: int = RUPEES_100) -> Story:
    """It was granted, applied and confirmed."""
    story = granted(kind, amount)
    story.apply()
    story.confirm()
    return story
