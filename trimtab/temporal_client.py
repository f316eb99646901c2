"""How every process of trimtab talks to Temporal: pydantic values, encrypted by a codec, failures too.

Payloads carry ids and hashes; what a person should be able to read in Temporal's UI (summaries, details, the
answer to its metadata query) is text and stays readable.
"""

import base64
import binascii
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec
from temporalio.service import TLSConfig

from trimtab.domain.errors import TrimtabError

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ENCODING: Final = b"binary/encrypted"
_KEY_ID: Final = b"trimtab-1"
_METADATA_ANSWER: Final = b"temporal.api.sdk.v1.WorkflowMetadata"


class PayloadKeyMissing(TrimtabError):
    """No key was given and plain payloads were not asked for in so many words."""

    code = "PAYLOAD_KEY_MISSING"


class PayloadKeyInvalid(TrimtabError):
    """The key is not 32 bytes in base64."""

    code = "PAYLOAD_KEY_INVALID"


class PayloadUnreadable(TrimtabError):
    """A payload was encrypted with another key, or changed."""

    code = "PAYLOAD_UNREADABLE"


class EncryptingCodec(PayloadCodec):
    """AES-256-GCM over each payload, with a fresh nonce.

    Plain payloads are read as they are: people send signals by hand from the UI, where they buy nothing.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [payload if _for_people(payload) else self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises PayloadUnreadable."""
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, payload.SerializeToString(), _KEY_ID)
        return Payload(metadata={"encoding": _ENCODING, "encryption-key-id": _KEY_ID}, data=sealed)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            return payload
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(self._cipher.decrypt(nonce, sealed, payload.metadata["encryption-key-id"]))
        except (InvalidTag, ValueError):
            raise PayloadUnreadable("a payload does not open with this key: was the key replaced?") from None


def _for_people(payload: Payload) -> bool:
    """Summaries and details are the only bare strings; everything that workflows exchange is an object."""
    if payload.metadata.get("messageType") == _METADATA_ANSWER:
        return True
    return payload.metadata.get("encoding") == b"json/plain" and payload.data[:1] == b'"'


def data_converter(payload_key: str | None, *, allow_plain: bool = False) -> DataConverter:
    """The converter for `payload_key` (32 bytes, URL-safe base64).

    Raises PayloadKeyMissing without a key, unless `allow_plain` says so in so many words, and PayloadKeyInvalid.
    """
    if payload_key is None and not allow_plain:
        raise PayloadKeyMissing(
            "set TRIMTAB_PAYLOAD_KEY (32 bytes, URL-safe base64), or allow plain payloads in so many words"
        )
    converter = replace(pydantic_data_converter, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)
    return converter if payload_key is None else replace(converter, payload_codec=EncryptingCodec(_key(payload_key)))


def _key(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text.strip())
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise PayloadKeyInvalid(f"the payload key must be {KEY_BYTES} bytes in URL-safe base64")
    return key


async def connect(
    address: str,
    namespace: str,
    payload_key: str | None,
    *,
    allow_plain: bool = False,
    tls: bool | TLSConfig = False,
    identity: str | None = None,
) -> Client:
    """A client of the Temporal server at `address` (host:port)."""
    converter = data_converter(payload_key, allow_plain=allow_plain)
    return await Client.connect(address, namespace=namespace, data_converter=converter, tls=tls, identity=identity)
