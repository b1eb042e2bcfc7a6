"""Keys: one master key a workspace, kept outside the data directory; all others follow.

From the master key HKDF-SHA256 (RFC 5869) derives one key to hash (look-up without showing),
one to wrap the data keys of actors, one for the workspace's own bytes. Bytes are sealed with
AES-256-GCM under a fresh random nonce: nonce (12), ciphertext, tag (16).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from renwei.core.errors import Unavailable
from renwei.stores.faults import told

KEYS = "RENWEI_KEYS"
NONCE = 12


class Box:
    """Seals and opens bytes under one 32-byte key."""

    __slots__ = ("_cipher", "encrypt")

    def __init__(self, key: bytes) -> None:
        self._cipher = _cipher_class()(key)
        self.encrypt: Callable[[bytes, bytes, bytes], bytes] = self._cipher.encrypt
        """Fresh nonce, data, about -> ciphertext and tag: for who draws many nonces at once."""

    def seal(self, data: bytes, about: bytes) -> bytes:
        """Encrypt; `about` must be the same to open (it binds bytes to their place)."""
        nonce = os.urandom(NONCE)
        return nonce + self.encrypt(nonce, data, about)

    def open(self, data: bytes, about: bytes) -> bytes:
        """Decrypt.

        Raises:
            Unavailable: `damaged`: not sealed under this key for this place.
        """
        try:
            return bytes(self._cipher.decrypt(data[:NONCE], data[NONCE:], about))
        except Exception as error:
            if type(error).__name__ not in ("InvalidTag", "ValueError"):
                raise
            raise Unavailable("damaged", path="", found="sealed bytes do not open") from error


class Keyring:
    """The keys of one workspace.

    Example:
        >>> ring = Keyring(bytes(32))
        >>> ring.own.open(ring.own.seal(b"text", b"x"), b"x"), len(ring.hash("a", "b"))
        (b'text', 16)
    """

    def __init__(self, master: bytes) -> None:
        self._inner, self._outer = _hmac_halves(_derive(master, b"renwei hash"))
        self._wrap = Box(_derive(master, b"renwei wrap"))
        self.own = Box(_derive(master, b"renwei own"))

    def hash(self, purpose: str, text: str) -> bytes:
        """A keyed hash, 16 bytes; different for each purpose, so that tables do not join."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(f"{purpose}|{text}".encode())
        outer.update(inner.digest())
        digest: bytes = outer.digest()
        return digest[:16]

    def new_data_key(self, actor: int) -> tuple[bytes, Box]:
        """A fresh data key for an actor: wrapped, and ready to use."""
        key = os.urandom(32)
        return self._wrap.seal(key, actor.to_bytes(8, "little")), Box(key)

    def data_box(self, actor: int, wrapped: bytes) -> Box:
        """What seals and opens the texts of an actor."""
        return Box(self._wrap.open(wrapped, actor.to_bytes(8, "little")))


def keys_folder(keys: Path | None = None) -> Path:
    """Where master keys lie: the argument, else RENWEI_KEYS, else the user's settings folder."""
    if keys is not None:
        return keys
    named = os.environ.get(KEYS)
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_config_path("renwei") / "keys"


def make_master(folder: Path, workspace: str) -> bytes:
    """Make and store the master key of a new workspace, readable by its owner alone."""
    master = os.urandom(32)
    with told(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = master_path(folder, workspace)
        number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(master.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    return master


def read_master(folder: Path, workspace: str) -> bytes:
    """The master key of a workspace.

    Raises:
        Unavailable: `key_missing`, naming the file that should be there.
    """
    path = master_path(folder, workspace)
    try:
        master = bytes.fromhex(path.read_text("utf-8").strip())
    except (OSError, ValueError) as error:
        raise Unavailable("key_missing", path=str(path)) from error
    if len(master) != 32:
        raise Unavailable("key_missing", path=str(path))
    return master


def master_path(folder: Path, workspace: str, *, there: bool = False) -> Path:
    """The file of a workspace's master key; with `there` it must exist (`key_missing`)."""
    path = folder / f"{workspace}.key"
    if there and not path.is_file():
        raise Unavailable("key_missing", path=str(path))
    return path


@cache
def _cipher_class() -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM


def _hmac_halves(key: bytes) -> tuple[Any, Any]:
    # HMAC-SHA256 (RFC 2104) with the key taken in once: what `hmac.digest` gives, three times as
    # fast, and every event that ever comes in is hashed.
    block = key.ljust(64, b"\0")
    halves = (bytes(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
    inner, outer = (hashlib.sha256(half) for half in halves)
    return inner, outer


def _derive(master: bytes, purpose: bytes) -> bytes:
    # HKDF-SHA256 with an empty salt and one block of output (RFC 5869, sections 2.2 and 2.3).
    key = hmac.digest(bytes(32), master, "sha256")
    return hmac.digest(key, purpose + b"\x01", "sha256")
