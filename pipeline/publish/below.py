"""A store and a secret prefix -> the store below that prefix, whose errors never show the secret."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipeline.errors import MediaError, StorageError
from pipeline.model import Asset
from pipeline.publish.store import Sent, Store, Stored

_HIDDEN = "(secret)"


class BelowStore:
    """The part of a store below a prefix. It is a Store; only `copy` sees more: any file of the whole store.

    Args:
        store: the whole store.
        prefix: what stands before every key; ends in a slash.
        secret: the part of the prefix that no message may show.
        name: what messages show of it for people.
    """

    def __init__(self, store: Store, *, prefix: str, secret: str, name: str) -> None:
        self._store, self._prefix, self._secret, self._name = store, prefix, secret, name

    @property
    def address(self) -> str:
        """The whole store's address and the name, without the secret."""
        return f"{self._store.address} ({self._name})"

    def read(self, key: str) -> bytes | None:
        """Return the content of `key`, or None where there is no such file."""
        with self._discreet():
            return self._store.read(self._prefix + key)

    def head(self, key: str) -> Stored | None:
        """Return what the store says of `key`, or None where there is no such file."""
        with self._discreet():
            return self._store.head(self._prefix + key)

    def put(self, asset: Asset, path: Path, sent: Sent) -> None:
        """Store the file at `path`."""
        with self._discreet():
            self._store.put(self._below(asset), path, sent)

    def put_bytes(self, asset: Asset, data: bytes) -> None:
        """Store `data`."""
        with self._discreet():
            self._store.put_bytes(self._below(asset), data)

    def copy(self, asset: Asset, source: str) -> bool:
        """Make the file of `asset` from a stored file of the whole store."""
        with self._discreet():
            return self._store.copy(self._below(asset), source)

    def set_headers(self, asset: Asset) -> None:
        """Replace the headers of a stored file and leave its content."""
        with self._discreet():
            self._store.set_headers(self._below(asset))

    def delete(self, key: str) -> None:
        """Remove `key`."""
        with self._discreet():
            self._store.delete(self._prefix + key)

    def _below(self, asset: Asset) -> Asset:
        return replace(asset, key=self._prefix + asset.key)

    @contextmanager
    def _discreet(self) -> Iterator[None]:
        try:
            yield
        except MediaError as error:
            texts = [str(text).replace(self._secret, _HIDDEN) for text in (error.message, error.source, error.hint)]
            message, source, hint = texts
            hidden = StorageError(
                message, source=source if error.source else self.address, hint=hint if error.hint else None
            )
            raise hidden from None  # what it came from shows the secret
