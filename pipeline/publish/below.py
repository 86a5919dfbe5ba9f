"""A store and a secret prefix -> the store below that prefix, whose errors never show the secret."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipeline.errors import BusyError, MediaError, StorageError
from pipeline.model import Asset
from pipeline.publish.store import Abilities, Listed, Sent, Store, Stored, Tagged, Version

_HIDDEN = "(secret)"


class BelowStore:
    """The part of a store below a prefix; itself a store.

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

    @property
    def endpoint(self) -> str:
        """The whole store's."""
        return self._store.endpoint

    @property
    def abilities(self) -> Abilities:
        """The whole store's."""
        return self._store.abilities

    def learn(self, known: Abilities | None) -> Abilities:
        """Take what is known of the whole store, or try it."""
        with self._discreet():
            return self._store.learn(known)

    def read(self, key: str) -> Tagged | None:
        """Return the content of `key`, or None where there is no such file."""
        with self._discreet():
            return self._store.read(self._prefix + key)

    def head(self, key: str) -> Stored | None:
        """Return what the store says of `key`, or None where there is no such file."""
        with self._discreet():
            return self._store.head(self._prefix + key)

    def digest(self, asset: Asset) -> str | None:
        """Return the SHA-256 of the content of a file."""
        with self._discreet():
            return self._store.digest(self._below(asset))

    def put(self, asset: Asset, path: Path, sent: Sent) -> str:
        """Store the file at `path`."""
        with self._discreet():
            return self._store.put(self._below(asset), path, sent)

    def put_bytes(self, asset: Asset, data: bytes) -> str:
        """Store `data`."""
        with self._discreet():
            return self._store.put_bytes(self._below(asset), data)

    def exchange(self, asset: Asset, data: bytes, *, expected: str | None) -> str:
        """Store `data` where the file is the one that was seen."""
        with self._discreet():
            return self._store.exchange(self._below(asset), data, expected=expected)

    def copy(self, asset: Asset, source: str, *, tag: str | None = None, origin: Store | None = None) -> str | None:
        """Make the file of `asset` from one of this part, or, with `origin`, of another store: the whole one, say."""
        with self._discreet():
            if origin is None:
                source = self._prefix + source
            return self._store.copy(self._below(asset), source, tag=tag, origin=origin)

    def set_headers(self, asset: Asset) -> str:
        """Replace the headers of a stored file and leave its content."""
        with self._discreet():
            return self._store.set_headers(self._below(asset))

    def delete(self, key: str) -> None:
        """Remove `key`."""
        with self._discreet():
            self._store.delete(self._prefix + key)

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """List every file of this part whose key begins with `prefix`."""
        with self._discreet():
            for found in self._store.listing(self._prefix + prefix):
                yield replace(found, key=found.key.removeprefix(self._prefix))

    def versions(self, prefix: str = "") -> tuple[Version, ...] | None:
        """List every version of every file of this part whose key begins with `prefix`."""
        with self._discreet():
            found = self._store.versions(self._prefix + prefix)
        if found is None:
            return None
        return tuple(replace(each, key=each.key.removeprefix(self._prefix)) for each in found)

    def is_own(self, version: Version) -> bool:
        """Say whether this program wrote a version."""
        with self._discreet():
            return self._store.is_own(replace(version, key=self._prefix + version.key))

    def delete_version(self, version: Version) -> None:
        """Remove one version for good."""
        with self._discreet():
            self._store.delete_version(replace(version, key=self._prefix + version.key))

    def abort_uploads(self, doomed: Callable[[str], bool]) -> tuple[str, ...]:
        """Remove what is half sent of the files of this part whose key is doomed."""

        def is_doomed_below(key: str) -> bool:
            return key.startswith(self._prefix) and doomed(key.removeprefix(self._prefix))

        with self._discreet():
            return tuple(key.removeprefix(self._prefix) for key in self._store.abort_uploads(is_doomed_below))

    def settle(self) -> None:
        """Make all that was written survive a power cut."""
        with self._discreet():
            self._store.settle()

    def stop(self) -> None:
        """Give up what is half sent."""
        self._store.stop()

    def _below(self, asset: Asset) -> Asset:
        return replace(asset, key=self._prefix + asset.key)

    @contextmanager
    def _discreet(self) -> Iterator[None]:
        try:
            yield
        except MediaError as error:
            texts = [str(text).replace(self._secret, _HIDDEN) for text in (error.message, error.source, error.hint)]
            message, source, hint = texts
            kind = BusyError if isinstance(error, BusyError) else StorageError
            hidden = kind(message, source=source if error.source else self.address, hint=hint if error.hint else None)
            raise hidden from None  # what it came from shows the secret
