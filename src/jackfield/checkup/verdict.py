"""Verdict: from what was found to how it is, and what to do about it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import attrs

from jackfield.checkup.row import Row, Status
from jackfield.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    DeadlineExceededError,
    InvalidResponseError,
    JackfieldError,
    NotFoundError,
    PermissionDeniedError,
    UnexpectedRedirectError,
)

SKEW = 30.0
"""Seconds by which two clocks may differ: signatures and tokens that are valid for a minute still work."""
DAYS = 14
"""Days before its end from which on a certificate is warned of."""
DAY = 86400.0
LATER = "look whether the service, the network and the proxy work; --timeout gives it longer"
BASE_URL = "look at base_url: it ends with the version, as /v1 does"
TLS_PORT = "look whether that port wants TLS: base_url then begins with https://"
CODES: Mapping[str, str] = {
    "dns": "mend the host in base_url (or transport.proxy), or the name server of this machine",
    "refused": "start the service, or mend the port in base_url (or transport.proxy)",
    "connect": "look at the network and the firewall; where a proxy is needed, name it in transport.proxy",
    "tls": "look whether that port speaks TLS at all: base_url may begin with http://, or need another port",
    "proxy": "look at transport.proxy, or at the variables HTTPS_PROXY and NO_PROXY",
    "certificate": "name the file of the authority that signed it in transport.ca_file",
}
CERTIFICATES: Mapping[str, str] = {
    "expired": "have the certificate of the service renewed; or set the clock of this machine",
    "not yet valid": "set the clock of this machine",
    "mismatch": "name the host in base_url as the certificate does",
    "not valid for": "name the host in base_url as the certificate does",
}
"""By words of OpenSSL's reason."""
REMEDIES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((APITimeoutError, DeadlineExceededError), LATER),
    (
        (AuthenticationError,),
        "renew the secret that the backend's middleware sends; where it has none, add bearer or header",
    ),
    ((PermissionDeniedError,), "where calls fail too, give the key the right to this model and project"),
    ((UnexpectedRedirectError,), "write into base_url where it leads; no redirect is followed"),
    ((NotFoundError, InvalidResponseError), BASE_URL),
)


def failed(about: str, what: str, error: Exception) -> Row:
    """A look that failed altogether."""
    if isinstance(error, ConfigError) and len(error.faults) == 1:
        (fault,) = error.faults
        return Row(about, what, "failed", str(fault.but(hint=None)), fault.hint)
    if isinstance(error, JackfieldError):
        return Row(about, what, "failed", error.message or type(error).__name__, remedy_for(error))
    return Row(about, what, "failed", f"{type(error).__name__}: {error}")


def remedy_for(error: JackfieldError) -> str | None:
    """What to do about a failure, where that is known."""
    for kinds, remedy in REMEDIES:
        if isinstance(error, kinds):
            return remedy
    if not isinstance(error, APIConnectionError):
        return None
    words = error.message.lower() if error.code == "certificate" else ""
    return next((text for word, text in CERTIFICATES.items() if word in words), CODES.get(error.code or ""))


def certificate_row(about: str, what: str, detail: str, seconds: float) -> Row:
    """A certificate that can be trusted, and for how many seconds yet."""
    days = int(seconds // DAY)
    if days < DAYS:
        text = f"{detail}; its certificate ends in {days} days"
        return Row(about, what, "warning", text, "have the certificate of the service renewed")
    return Row(about, what, "ok", f"{detail}; its certificate is valid for {days} days")


def answer_row(about: str, error: Exception | None, models: int, *, in_clear: bool = False) -> Row:
    """How a backend answered when it was asked for its models: any status tells that it is reached.

    Args:
        about: the backend.
        error: the failure, or None.
        models: how many it listed.
        in_clear: it was asked without TLS.
    """
    row = _answer_row(about, error, models)
    if in_clear and row.remedy is None and (isinstance(error, BadRequestError) or _broke(error)):
        return attrs.evolve(row, remedy=TLS_PORT)
    return row


def _broke(error: Exception | None) -> bool:
    """Whether a connection was ended, or brought what is no HTTP."""
    return isinstance(error, APIConnectionError) and error.code in {"protocol", "reset"}


def _answer_row(about: str, error: Exception | None, models: int) -> Row:
    what = "http"
    if error is None:
        return Row(about, what, "ok", f"it answers, and lists {models} {'model' if models == 1 else 'models'}")
    if isinstance(error, AuthenticationError):
        return Row(about, what, "failed", f"the credential is refused: {error.message}", remedy_for(error))
    status: Status = "warning"
    if isinstance(error, InvalidResponseError):
        return Row(about, what, status, f"it answers, but with no list of models: {error.message}", remedy_for(error))
    if isinstance(error, APIStatusError) and not isinstance(error, UnexpectedRedirectError):
        text = f"it answers, but not with its models: {error.message}"
        remedy = f"where calls fail too, {BASE_URL}" if isinstance(error, NotFoundError) else remedy_for(error)
        return Row(about, what, status, text, remedy)
    return failed(about, what, error)


def call_row(about: str, model: str, error: Exception | None) -> Row:
    """How a call ended."""
    if error is None:
        return Row(about, "call", "ok", f"{model} answers")
    row = failed(about, "call", error)
    if isinstance(error, NotFoundError):
        return Row(
            about, "call", "failed", row.detail, f"look whether the service has {model}; jackfield models lists them"
        )
    if isinstance(error, APIError) and row.remedy is None:
        return Row(about, "call", "failed", row.detail, "look at what the service says; its status page may tell more")
    return row


def skew(date: str | None, now: float) -> float | None:
    """Seconds by which this machine's clock is ahead of the ``Date`` of an answer (RFC 9110, section 6.6.1), or None.

    Args:
        date: the header.
        now: seconds since 1970, by this machine.
    """
    try:
        return now - parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def clock_row(about: str, seconds: float | None) -> Row:
    """How far apart two clocks are."""
    if seconds is None:
        return Row(about, "clock", "skipped", "the answer has no date")
    if abs(seconds) <= SKEW:
        return Row(about, "clock", "ok", f"it differs from this machine's by less than {SKEW:g} s")
    side = "ahead of" if seconds > 0 else "behind"
    text = f"this machine is {abs(seconds):.0f} s {side} the service"
    return Row(about, "clock", "warning", text, "let both clocks be set by NTP")
