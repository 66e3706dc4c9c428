"""Mail over SMTP (RFC 5321): text in UTF-8, one recipient a message.

What a server answers is told by its number alone: its words often repeat the address.
A number of the 500s upon recipient or text is final, as is the same upon login only for
who set the login up: there it is put off, so that nothing is lost meanwhile.

Source: RFC 5321, section 4.2; RFC 3207 (STARTTLS); RFC 6152, RFC 2047 by the library.
"""

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from enum import Enum
from typing import Final

import aiosmtplib

from dop_gateway.outbox.model import Delivered, Outcome, PutOff, Refused
from dop_gateway.outbox.templates import Letter
from hw.clock import WallClock
from protocol.errors import LocalProtocolError

ATTEMPT_S_MAX: Final = 60
"""An attempt is over after so long, whatever the server does."""
STEP_S_MAX: Final = 20
_PERMANENT: Final = 500
_ADDRESS: Final = re.compile(r"[!-~]{1,64}@[!-~]{1,253}", re.ASCII)


class Security(Enum):
    """How the line to the server is protected."""

    TLS = "from its first octet (port 465)"
    STARTTLS = "before anything is told (port 587); without it nothing is sent"
    NONE = "not at all: for a server on the same computer"


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """A mail server, and who writes.

    Attributes:
        sender: Address that mail comes from; what stands behind its ``@`` ends the
            Message-ID too.
        login: Empty: the server asks for none.
        trusted: PEM file of who signs the server's certificate; empty: the system's.
    """

    host: str
    port: int
    sender: str
    security: Security = Security.STARTTLS
    login: str = ""
    password: str = ""
    trusted: str = ""


class SmtpMailer:
    """A `Mailer` over SMTP."""

    def __init__(self, settings: SmtpSettings, clock: WallClock) -> None:
        """Write as these settings say.

        Args:
            settings: The server, and who writes.
            clock: For the date that a mail bears.

        Raises:
            LocalProtocolError: The sender is no address, or a password would go over a
                line that is not protected.
        """
        if _ADDRESS.fullmatch(settings.sender) is None:
            raise LocalProtocolError("the sender of mail is no address in ASCII")
        if settings.login and settings.security is Security.NONE:
            raise LocalProtocolError("a login of a mail server needs TLS or STARTTLS")
        self._settings = settings
        self._clock = clock

    def send(self, reference: str, letter: Letter, to: str) -> Outcome:
        """Try once."""
        if _ADDRESS.fullmatch(to) is None:
            return Refused("MSG-01-001", "the address is none in ASCII: correct it")
        mail = self._mail(reference, letter, to)
        try:
            asyncio.run(asyncio.wait_for(self._hand_over(mail, to), ATTEMPT_S_MAX))
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _answered("recipient", error.recipients[0].code)
        except aiosmtplib.SMTPDataError as error:
            return _answered("text", error.code)
        except aiosmtplib.SMTPAuthenticationError as error:
            words = f"the mail server refused our login ({error.code}): correct it"
            return PutOff("MSG-01-002", words)
        except aiosmtplib.SMTPResponseException as error:
            words = f"the mail server answered {error.code}: look into its log"
            return PutOff("MSG-01-003", words)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if isinstance(error.__cause__ or error, ssl.SSLError):
                words = "the mail server's certificate is not trusted: look at it"
                return PutOff("MSG-01-004", words)
            words = "the mail server did not do as it should: is it running?"
            return PutOff("MSG-01-005", f"{words} ({type(error).__name__})")
        return Delivered(mail["Message-ID"])

    def _mail(self, reference: str, letter: Letter, to: str) -> EmailMessage:
        settings = self._settings
        mail = EmailMessage(SMTP_POLICY)
        mail["From"] = settings.sender
        mail["To"] = to
        mail["Subject"] = letter.subject
        mail["Date"] = format_datetime(self._clock.utc())
        domain = settings.sender.rpartition("@")[2]
        # The same at each attempt: who gets it twice can see that it is one.
        mail["Message-ID"] = f"<{reference}@{domain}>"
        mail["Content-Language"] = letter.language.value
        # No out-of-office answer comes back (RFC 3834).
        mail["Auto-Submitted"] = "auto-generated"
        # Base64, so that Hindi needs no 8BITMIME of the servers in between.
        mail.set_content(letter.body, charset="utf-8", cte="base64")
        return mail

    async def _hand_over(self, mail: EmailMessage, to: str) -> None:
        settings = self._settings
        protected = settings.security is not Security.NONE
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=settings.sender.rpartition("@")[2],
            timeout=STEP_S_MAX,
            use_tls=settings.security is Security.TLS,
            # It would begin TLS where the server offers it, and go on where not.
            start_tls=False,
            tls_context=_context(settings.trusted) if protected else None,
        )
        await client.connect()
        lines = [client.transport]
        try:
            if settings.security is Security.STARTTLS:
                await client.starttls()
                lines.append(client.transport)
            if settings.login:
                await client.login(settings.login, settings.password)
            await client.send_message(mail, sender=settings.sender, recipients=[to])
            # The server answers for it: how the line ends changes nothing.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
        finally:
            client.close()
            # What TLS has still to say about its end would outlive the loop.
            for line in reversed(lines):
                if isinstance(line, asyncio.WriteTransport):
                    line.abort()


def _context(trusted: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=trusted or None)


def _answered(what: str, code: int) -> Outcome:
    words = f"the mail server refused the {what} ({code})"
    if code >= _PERMANENT:
        return Refused("MSG-01-006", f"{words} for good: is the address right?")
    return PutOff("MSG-01-007", f"{words} for now")
