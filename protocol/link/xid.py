"""XID: what two ends agree about N1, k, T1, N2, T2, modulus, SREJ and ACCM.

The information field has the general form of ISO/IEC 13239: format identifier 0x82,
then groups of (identifier, length in 2 octets, parameters), and each parameter is
(identifier, length in 1 octet, value). Group 0x80 holds what the standard names; group
0xF0 is the users' own and begins with parameter 0 naming whose it is. What a reader
does not know it skips. The answer to an offer holds the agreed values, which are
computed by both ends from offer and answer with the same rule, so that a hostile answer
cannot widen anything.

Source: ISO/IEC 13239 5.5.3 (parameter negotiation), bit positions of the HDLC optional
functions as ITU-T V.42 and AX.25 2.2 use them; SPEC.md LINK-10; vectors/link.json.
"""

from dataclasses import replace
from typing import Final

from protocol.link.parameters import (
    ACCM_MAX,
    FRAME_OCTETS_LEAST,
    FRAME_OCTETS_LIMIT,
    MODULO_8,
    MODULO_128,
    LinkParameters,
    window_max,
)

_FORMAT: Final = 0x82
_STANDARD_GROUP: Final = 0x80
_USER_GROUP: Final = 0xF0
_USER_SET: Final = b"FM1"

_OPTIONAL_FUNCTIONS: Final = 3
_RECEIVE_BITS_MAX: Final = 6
_RECEIVE_WINDOW: Final = 8
_ACKNOWLEDGE_TIMEOUT_MS: Final = 9
_RETRIES: Final = 10
_USER_NAME: Final = 0
_USER_ACCM: Final = 1
_USER_ACK_DELAY_MS: Final = 2
_USER_REPORTS: Final = 3

PARAMETER_NAMES: Final = {
    (_STANDARD_GROUP, _OPTIONAL_FUNCTIONS): "optional functions",
    (_STANDARD_GROUP, _RECEIVE_BITS_MAX): "N1 in bits",
    (_STANDARD_GROUP, _RECEIVE_WINDOW): "k",
    (_STANDARD_GROUP, _ACKNOWLEDGE_TIMEOUT_MS): "T1 in ms",
    (_STANDARD_GROUP, _RETRIES): "N2",
    (_USER_GROUP, _USER_NAME): "whose group this is",
    (_USER_GROUP, _USER_ACCM): "ACCM",
    (_USER_GROUP, _USER_ACK_DELAY_MS): "T2 in ms",
    (_USER_GROUP, _USER_REPORTS): "arrival reports",
}
"""(group, parameter) -> what people call it."""

# Bit n of the optional functions is bit n % 8 of octet n // 8.
_FUNCTION_REJ: Final = 1 << 1
_FUNCTION_SREJ: Final = 1 << 2
_FUNCTION_MODULO_8: Final = 1 << 10
_FUNCTION_MODULO_128: Final = 1 << 11
_FUNCTION_FCS_16: Final = 1 << 15
_FUNCTION_START_STOP: Final = 1 << 18
_FUNCTION_TRANSPARENCY: Final = 1 << 20

_OCTET_BITS: Final = 8
_VALUE_OCTETS_MAX: Final = 4
_MS: Final = 1000
_MS_MAX: Final = 60_000
_RETRIES_MAX: Final = 255

Parameters = dict[tuple[int, int], bytes]
"""(group, parameter) -> value."""


def encode_offer(parameters: LinkParameters) -> bytes:
    """Write the information field of an XID command or response."""
    functions = (
        _FUNCTION_REJ
        | _FUNCTION_FCS_16
        | _FUNCTION_START_STOP
        | _FUNCTION_TRANSPARENCY
        | (_FUNCTION_SREJ if parameters.srej else 0)
        | (
            _FUNCTION_MODULO_128
            if parameters.modulus == MODULO_128
            else _FUNCTION_MODULO_8
        )
    )
    standard = (
        _parameter(_OPTIONAL_FUNCTIONS, functions.to_bytes(3, "little"))
        + _number(_RECEIVE_BITS_MAX, parameters.frame_octets_max * _OCTET_BITS, 2)
        + _number(_RECEIVE_WINDOW, parameters.window, 1)
        + _number(
            _ACKNOWLEDGE_TIMEOUT_MS, _milliseconds(parameters.acknowledge_timeout_s), 2
        )
        + _number(_RETRIES, min(parameters.retries_max, _RETRIES_MAX), 1)
    )
    user = (
        _parameter(_USER_NAME, _USER_SET)
        + _number(_USER_ACCM, parameters.accm, 4)
        + _number(_USER_ACK_DELAY_MS, _milliseconds(parameters.ack_delay_s), 2)
        + (_number(_USER_REPORTS, 1, 1) if parameters.reports else b"")
    )
    return (
        bytes([_FORMAT]) + _group(_STANDARD_GROUP, standard) + _group(_USER_GROUP, user)
    )


def decode_offer(information: bytes) -> Parameters | None:
    """Read the information field of an XID; None if its form is wrong."""
    if information[:1] != bytes([_FORMAT]):
        return None
    found: Parameters = {}
    at = 1
    while at < len(information):
        group = information[at]
        end = at + 3 + int.from_bytes(information[at + 1 : at + 3], "big")
        at += 3
        if end > len(information) or at > len(information):
            return None
        while at < end:
            value_at = at + 2
            if value_at > end:
                return None
            value_end = value_at + information[at + 1]
            if value_end > end:
                return None
            found[group, information[at]] = information[value_at:value_end]
            at = value_end
    return found


def agree(own: LinkParameters, offer: Parameters) -> LinkParameters:
    """Join what this end can do with what the peer offers.

    The smaller N1, k and modulus, the longer T1 and T2, the larger N2, SREJ only if
    both have it, and every octet escaped that either asks for. What the peer leaves
    out, or gives in a form that is wrong, counts as this end's own value.
    """
    functions_value = offer.get((_STANDARD_GROUP, _OPTIONAL_FUNCTIONS), b"")
    modulus, srej = own.modulus, own.srej
    if functions_value:
        functions = int.from_bytes(functions_value, "little")
        srej = srej and bool(functions & _FUNCTION_SREJ)
        if not functions & _FUNCTION_MODULO_128:
            modulus = MODULO_8
    bits = _read(offer, _STANDARD_GROUP, _RECEIVE_BITS_MAX)
    octets = own.frame_octets_max if bits is None else bits // _OCTET_BITS
    window = _read(offer, _STANDARD_GROUP, _RECEIVE_WINDOW) or own.window
    timeout_ms = _read(offer, _STANDARD_GROUP, _ACKNOWLEDGE_TIMEOUT_MS) or 0
    retries = _read(offer, _STANDARD_GROUP, _RETRIES) or 0
    ours = offer.get((_USER_GROUP, _USER_NAME)) == _USER_SET
    accm = (_read(offer, _USER_GROUP, _USER_ACCM) or 0) if ours else 0
    reports = (_read(offer, _USER_GROUP, _USER_REPORTS) or 0) if ours else 0
    delay_ms = (_read(offer, _USER_GROUP, _USER_ACK_DELAY_MS) or 0) if ours else 0
    ack_delay_s = max(own.ack_delay_s, min(delay_ms, _MS_MAX) / _MS)
    timeout_s = max(own.acknowledge_timeout_s, min(timeout_ms, _MS_MAX) / _MS)
    return replace(
        own,
        frame_octets_max=min(
            own.frame_octets_max, max(FRAME_OCTETS_LEAST, octets), FRAME_OCTETS_LIMIT
        ),
        window=min(own.window, window, window_max(modulus, srej=srej)),
        retries_max=max(own.retries_max, min(retries, _RETRIES_MAX)),
        ack_delay_s=ack_delay_s,
        acknowledge_timeout_s=max(timeout_s, 2 * ack_delay_s),
        modulus=modulus,
        srej=srej,
        reports=own.reports and bool(reports) and srej and modulus == MODULO_128,
        accm=own.accm | accm & ACCM_MAX,
    )


def _read(offer: Parameters, group: int, parameter: int) -> int | None:
    value = offer.get((group, parameter))
    if not value or len(value) > _VALUE_OCTETS_MAX:
        return None
    return int.from_bytes(value, "big")


def _milliseconds(seconds: float) -> int:
    return min(round(seconds * _MS), _MS_MAX)


def _number(identifier: int, value: int, octets: int) -> bytes:
    return _parameter(identifier, value.to_bytes(octets, "big"))


def _parameter(identifier: int, value: bytes) -> bytes:
    return bytes([identifier, len(value)]) + value


def _group(identifier: int, parameters: bytes) -> bytes:
    return bytes([identifier]) + len(parameters).to_bytes(2, "big") + parameters
