"""What the gateway is made of: the one thing that every route is given."""

from dataclasses import dataclass, field

from dop_gateway.exchange.ours import OurSide
from dop_gateway.identity.passwords import PasswordCost, Passwords
from dop_gateway.identity.people import ScopeExists
from dop_gateway.identity.second_factor import SecondFactor
from dop_gateway.identity.signing_in import Door
from dop_gateway.outbox.sealing import Sealing
from dop_gateway.outbox.service import NOBODY, Carriers, Delivery, Outbox
from dop_gateway.outbox.templates import shipped_templates
from dop_gateway.web.rates import USUAL_RATES, Rates
from hw.clock import WallClock
from hw.database import Store
from protocol.ports import Entropy


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a gateway that runs.

    Attributes:
        outbox: Where messages to people are put in.
        carriers: Who takes them over from there.
        exchange: What files are made and judged by.
        bank_ssh_key: Private key that we are known by at banks, as OpenSSH writes it.
        rates: How often somebody may ask.
    """

    store: Store
    clock: WallClock
    entropy: Entropy
    passwords: Passwords
    door: Door
    scope_exists: ScopeExists
    outbox: Outbox
    carriers: Carriers
    exchange: OurSide
    bank_ssh_key: str = field(default="", repr=False)
    rates: Rates = USUAL_RATES

    @property
    def delivery(self) -> Delivery:
        """What sends messages that are due."""
        outbox = self.outbox
        return Delivery(
            self.store, self.clock, outbox.templates, self.carriers, outbox.sealing
        )


def make_parts(
    store: Store,
    clock: WallClock,
    entropy: Entropy,
    *,
    key: bytes,
    cost: PasswordCost,
    scope_exists: ScopeExists,
    exchange: OurSide,
    carriers: Carriers = NOBODY,
    rates: Rates = USUAL_RATES,
    bank_ssh_key: str = "",
) -> Parts:
    """Put the parts together.

    Args:
        store: A database of the newest version.
        clock: The time of day.
        entropy: Where tokens, salts and secrets come from.
        key: 32 octets that second factors and secrets of messages are sealed with.
        cost: What one guess of a password costs.
        scope_exists: Knows offices, makers and licences.
        exchange: What files are made and judged by.
        carriers: Who takes messages over; without them they wait.
        rates: How often somebody may ask.
        bank_ssh_key: That we are known by at banks; empty: none is asked.
    """
    passwords = Passwords(cost, entropy)
    door = Door(passwords, SecondFactor(key, entropy), entropy)
    outbox = Outbox(shipped_templates(), Sealing(key, entropy))
    return Parts(
        store,
        clock,
        entropy,
        passwords,
        door,
        scope_exists,
        outbox,
        carriers,
        exchange,
        bank_ssh_key,
        rates,
    )
