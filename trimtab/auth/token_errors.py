"""One error per reason for which an access token is refused. No text ever holds any part of the token."""

from __future__ import annotations

from trimtab.domain.errors import TrimtabError


class TokenRefused(TrimtabError):
    """The root of all refusals; answer with 401 and the code, nothing more."""

    code = "TOKEN_REFUSED"


class TokenMissing(TokenRefused):
    """There is no bearer token in the request."""

    code = "TOKEN_MISSING"


class TokenTooLarge(TokenRefused):
    """The token is larger than 8 KB."""

    code = "TOKEN_TOO_LARGE"


class TokenMalformed(TokenRefused):
    """Not a signed JWT in compact form, or not strict JSON inside."""

    code = "TOKEN_MALFORMED"


class TokenHeaderRefused(TokenRefused):
    """The header names a key of its own or an extension, which is never accepted."""

    code = "TOKEN_HEADER"


class TokenAlgorithmRefused(TokenRefused):
    """The signature algorithm is not on the issuer's allow-list."""

    code = "TOKEN_ALGORITHM"


class TokenTypeRefused(TokenRefused):
    """Not an access token, for example an ID token."""

    code = "TOKEN_TYPE"


class TokenIssuerUnknown(TokenRefused):
    """The issuer is not one of those configured."""

    code = "TOKEN_ISSUER"


class TokenKeyUnknown(TokenRefused):
    """The issuer publishes no key with the token's key id."""

    code = "TOKEN_KEY"


class TokenSignatureInvalid(TokenRefused):
    """The signature does not belong to the token and the issuer's key."""

    code = "TOKEN_SIGNATURE"


class TokenExpired(TokenRefused):
    """The token's time is over."""

    code = "TOKEN_EXPIRED"


class TokenNotYetValid(TokenRefused):
    """The token's time has not begun."""

    code = "TOKEN_NOT_YET_VALID"


class TokenAudienceRefused(TokenRefused):
    """The token was issued for another service."""

    code = "TOKEN_AUDIENCE"


class TokenClaimRefused(TokenRefused):
    """A claim is missing, of the wrong type, or beyond what the settings allow."""

    code = "TOKEN_CLAIM"


class PersonUnknown(TokenRefused):
    """The token's subject is neither a person nor an integrator on file."""

    code = "PERSON_UNKNOWN"


class PersonDisabled(TokenRefused):
    """The person or integrator on file is disabled."""

    code = "PERSON_DISABLED"


class FirmMismatch(TokenRefused):
    """The token's firm is not the firm on file."""

    code = "FIRM_MISMATCH"


class SessionRevoked(TokenRefused):
    """The sign-in from which the token came has been revoked."""

    code = "SESSION_REVOKED"


class IssuerUnavailable(TrimtabError):
    """The issuer's discovery document or keys cannot be had now; not the caller's fault, so answer with 503."""

    code = "ISSUER_UNAVAILABLE"
    transient = True


class InvalidIssuerSettings(TrimtabError):
    """The settings of an issuer would make tokens unsafe, or contradict each other."""

    code = "ISSUER_SETTINGS"
