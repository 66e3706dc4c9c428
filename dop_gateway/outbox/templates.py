"""What the gateway says to people: texts with variables, in each language.

Free text is never sent. A text message in India has to be one that was registered with
an operator (DLT): it goes with the number of its template, a variable of it has 40
characters at most, and what is not ASCII goes as Unicode.

Source: requirements, section 11 no. 13; TRAI, TCCCPR 2018.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from dop_gateway.outbox.model import Language
from protocol.errors import LocalProtocolError

SMS_VARIABLE_CHARACTERS_MAX: Final = 40
_SHORTENED: Final = "..."
_PLACE: Final = re.compile(r"\{([a-z_]+)\}", re.ASCII)
_ID: Final = re.compile(r"[a-z][a-z-]{2,39}", re.ASCII)
_DLT_TEMPLATE: Final = re.compile(r"[0-9]{19}", re.ASCII)
_VARIABLE_FIELDS: Final = frozenset({"characters_max", "secret", "shorten"})
_TEXT_FIELDS: Final = frozenset({"subject", "mail", "sms", "dlt_template"})


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a template.

    Attributes:
        characters_max: Its bound.
        is_secret: It is forgotten once the message is sent or given up.
        is_shortened: What is too long is cut; what is not, is refused.
    """

    characters_max: int
    is_secret: bool
    is_shortened: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail as `Templates` alone make it.

    Attributes:
        subject: One line.
        body: Lines that end in a line feed.
    """

    language: Language
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text message as `Templates` alone make it.

    Attributes:
        dlt_template: Number of its template with the operator, 19 digits.
        body: One line.
    """

    dlt_template: str
    body: str

    @property
    def is_unicode(self) -> bool:
        """Whether it cannot go in the 7 bits of a telephone's own alphabet."""
        return not self.body.isascii()


@dataclass(frozen=True, slots=True)
class Wording:
    """A template in one language; what stands between braces are variables."""

    subject: str
    mail: str
    sms: str
    dlt_template: str


@dataclass(frozen=True, slots=True)
class Template:
    """One thing that is said."""

    id: str
    variables: Mapping[str, Variable]
    wordings: Mapping[Language, Wording]

    def fit(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Bring variables within their bounds.

        Raises:
            LocalProtocolError: One is missing, unknown, too long, or no single line of
                characters that show. Its value is not in the words.
        """
        if variables.keys() != self.variables.keys():
            wanted = ", ".join(sorted(self.variables))
            raise LocalProtocolError(f"{self.id} has the variables {wanted}, no others")
        return {
            name: self._fitted(name, value) for name, value in sorted(variables.items())
        }

    def without_secrets(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Forget what nobody may read once the message is sent or given up."""
        return {
            name: "" if self._is_secret(name) else value
            for name, value in variables.items()
        }

    @property
    def has_secrets(self) -> bool:
        """Whether something of it is forgotten."""
        return any(one.is_secret for one in self.variables.values())

    def letter(self, language: Language, variables: Mapping[str, str]) -> Letter:
        """Fill the e-mail."""
        wording = self.wordings[language]
        subject = _fill(wording.subject, variables)
        return Letter(language, subject, _fill(wording.mail, variables))

    def text(self, language: Language, variables: Mapping[str, str]) -> Text:
        """Fill the text message."""
        wording = self.wordings[language]
        return Text(wording.dlt_template, _fill(wording.sms, variables))

    def _is_secret(self, name: str) -> bool:
        # A message may be older than its template: what is unknown is kept no longer.
        return name not in self.variables or self.variables[name].is_secret

    def _fitted(self, name: str, value: str) -> str:
        variable = self.variables[name]
        if not value or not value.isprintable():
            raise LocalProtocolError(f"{name} of {self.id} is no single line")
        if len(value) <= variable.characters_max:
            return value
        if not variable.is_shortened:
            words = f"has at most {variable.characters_max} characters"
            raise LocalProtocolError(f"{name} of {self.id} {words}")
        return value[: variable.characters_max - len(_SHORTENED)] + _SHORTENED


@dataclass(frozen=True, slots=True)
class Templates:
    """All that is said."""

    by_id: Mapping[str, Template]

    def get(self, template: str) -> Template:
        """Find a template.

        Raises:
            LocalProtocolError: There is none of this name.
        """
        found = self.by_id.get(template)
        if found is None:
            raise LocalProtocolError(f"there is no template {template}")
        return found


def shipped_templates() -> Templates:
    """Read the templates that are part of the package."""
    return parse_templates(
        files("dop_gateway.outbox").joinpath("templates.toml").read_text("utf-8")
    )


def parse_templates(text: str) -> Templates:
    """Read templates.

    Raises:
        LocalProtocolError: It is not TOML, something is missing or unknown, a text has
            a variable that its template has not, or one that is too long for its
            channel, or two texts have the same number.
    """
    try:
        return _templates(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise LocalProtocolError(f"the templates cannot be read: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise LocalProtocolError(f"a template lacks a field: {error}") from error


def _templates(table: dict[str, Any]) -> Templates:
    by_id: dict[str, Template] = {}
    numbers: set[str] = set()
    for row in table["template"]:
        template = _template(row)
        if template.id in by_id:
            raise LocalProtocolError(f"the template {template.id} stands twice")
        by_id[template.id] = template
        for wording in template.wordings.values():
            if wording.dlt_template in numbers:
                message = f"{template.id}: {wording.dlt_template} stands twice"
                raise LocalProtocolError(message)
            numbers.add(wording.dlt_template)
    return Templates(by_id)


def _template(row: dict[str, Any]) -> Template:
    name = row["id"]
    if _ID.fullmatch(name) is None:
        raise LocalProtocolError(f"{name!r} is not like deposit-received")
    languages = {language.value for language in Language}
    _only(name, row, {"id", "variables", *languages})
    variables = {key: _variable(name, one) for key, one in row["variables"].items()}
    wordings = {one: _wording(name, row[one.value], variables) for one in Language}
    return Template(name, variables, wordings)


def _variable(name: str, row: dict[str, Any]) -> Variable:
    _only(name, row, _VARIABLE_FIELDS)
    bound = row["characters_max"]
    if type(bound) is not int or bound <= len(_SHORTENED):
        raise LocalProtocolError(f"{name}: a bound is a number above 3")
    return Variable(bound, bool(row.get("secret")), bool(row.get("shorten")))


def _wording(
    name: str, row: dict[str, str], variables: Mapping[str, Variable]
) -> Wording:
    _only(name, row, _TEXT_FIELDS)
    wording = Wording(
        row["subject"].strip(),
        row["mail"].lstrip("\n"),
        row["sms"].strip(),
        row["dlt_template"],
    )
    for text in (wording.subject, wording.mail, wording.sms):
        for used in _PLACE.findall(text):
            if used not in variables:
                raise LocalProtocolError(f"{name} has no variable {used}")
    for used in _PLACE.findall(wording.sms):
        if variables[used].characters_max > SMS_VARIABLE_CHARACTERS_MAX:
            message = f"{name}: {used} has more than {SMS_VARIABLE_CHARACTERS_MAX}"
            raise LocalProtocolError(f"{message} characters in a text message")
    if "\n" in wording.subject or "\n" in wording.sms:
        raise LocalProtocolError(f"{name}: a subject and a text message are one line")
    if _DLT_TEMPLATE.fullmatch(wording.dlt_template) is None:
        raise LocalProtocolError(f"{name}: a template's number has 19 digits")
    return wording


def _only(
    name: str, row: Mapping[str, object], known: frozenset[str] | set[str]
) -> None:
    unknown = sorted(row.keys() - known)
    if unknown:
        raise LocalProtocolError(f"{name}: there is no field {unknown[0]}")


def _fill(text: str, variables: Mapping[str, str]) -> str:
    # In one pass: what a variable holds is never taken for a place itself.
    return _PLACE.sub(lambda found: variables[found[1]], text)
