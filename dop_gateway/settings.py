"""What an operator decides about a gateway: `gateway.toml` in its folder."""

import json
import tomllib
from dataclasses import asdict, dataclass
from ipaddress import ip_network

from dop_gateway.outbox.dlt_http import DltSettings, DltTextMessages
from dop_gateway.outbox.service import Carriers
from dop_gateway.outbox.smtp import Security, SmtpMailer, SmtpSettings
from dop_gateway.web.rates import Rates
from hw.clock import WallClock
from protocol.errors import LocalProtocolError


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides about a gateway.

    Attributes:
        database: URL, or empty for the SQLite file in the folder.
        password_memory_kib: What one guess of a password costs.
        password_passes: Likewise.
        password_lanes: Likewise.
        proxies: Addresses and networks, with commas, of proxies that are believed who
            asks; of nobody else the header X-Forwarded-For is read.
        sign_ins_per_minute: From one address.
        requests_per_minute: Of one person.
        mail_host: Server that takes e-mail over; empty: e-mail waits.
        mail_port: Of that server.
        mail_sender: Address that e-mail comes from.
        mail_security: ``TLS``, ``STARTTLS`` or ``NONE``, as `Security` explains.
        mail_login: Empty: the server asks for none.
        mail_password: Of that login.
        mail_trusted: PEM file of who signs its certificate; empty: the system's.
        sms_address: Of the operator of text messages; empty: they wait.
        sms_key: That the operator knows us by.
        sms_entity: The Department's number as a principal entity, 19 digits.
        sms_header: Six letters that text messages come from.
        realm: ``TEST`` or ``PRODUCTION``: in which exchange files are signed.
        exchange_key_id: By which other parties know the key that signs ours.
    """

    database: str = ""
    password_memory_kib: int = 65_536
    password_passes: int = 3
    password_lanes: int = 4
    proxies: str = ""
    sign_ins_per_minute: int = 60
    requests_per_minute: int = 600
    mail_host: str = ""
    mail_port: int = 587
    mail_sender: str = ""
    mail_security: str = "STARTTLS"
    mail_login: str = ""
    mail_password: str = ""
    mail_trusted: str = ""
    sms_address: str = ""
    sms_key: str = ""
    sms_entity: str = ""
    sms_header: str = ""
    realm: str = "TEST"
    exchange_key_id: str = "dop-1"

    @property
    def believed_proxies(self) -> list[str]:
        """List the proxies that are believed who asks.

        Raises:
            LocalProtocolError: One is neither an address nor a network.
        """
        found = [one.strip() for one in self.proxies.split(",") if one.strip()]
        for one in found:
            try:
                ip_network(one)
            except ValueError as error:
                words = f"proxies: {one} is neither an address nor a network"
                raise LocalProtocolError(words) from error
        return found

    @property
    def rates(self) -> Rates:
        """How often somebody may ask."""
        return Rates(self.sign_ins_per_minute, self.requests_per_minute)

    def carriers(self, clock: WallClock) -> Carriers:
        """Give who takes messages over; a channel that is not set has nobody.

        Raises:
            LocalProtocolError: A setting of mail or text messages has another form.
        """
        mailer = SmtpMailer(self._mail(), clock) if self.mail_host else None
        texts = DltTextMessages(self._texts()) if self.sms_address else None
        return Carriers(mailer, texts)

    def _mail(self) -> SmtpSettings:
        if self.mail_security not in Security.__members__:
            names = ", ".join(Security.__members__)
            raise LocalProtocolError(f"mail_security is one of {names}")
        return SmtpSettings(
            host=self.mail_host,
            port=self.mail_port,
            sender=self.mail_sender,
            security=Security[self.mail_security],
            login=self.mail_login,
            password=self.mail_password,
            trusted=self.mail_trusted,
        )

    def _texts(self) -> DltSettings:
        return DltSettings(
            self.sms_address, self.sms_key, self.sms_entity, self.sms_header
        )


def write_settings(settings: Settings) -> str:
    """Write settings as TOML: a JSON string or number is one of TOML, too."""
    lines = [
        f"{name} = {json.dumps(value)}" for name, value in asdict(settings).items()
    ]
    return "\n".join(("# Settings of this gateway.", *lines, ""))


def parse_settings(text: str) -> Settings:
    """Read settings; what is not named is as it comes.

    Raises:
        LocalProtocolError: It is not TOML, or a setting is unknown or of another type.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LocalProtocolError(str(error)) from error
    kinds = {name: type(value) for name, value in asdict(Settings()).items()}
    unknown = sorted(table.keys() - kinds.keys())
    if unknown:
        raise LocalProtocolError(f"there is no setting {unknown[0]}")
    for name, value in table.items():
        if type(value) is not kinds[name]:
            raise LocalProtocolError(f"{name} must be a {kinds[name].__name__}")
    return Settings(**table)
