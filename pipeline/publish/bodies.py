"""Files of this computer -> bodies of requests, read as they are sent, with their checksums; standard library only."""

import base64
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.publish.store import Sent, unreadable

SINGLE_PUT_BYTES = 100_000_000
PART_BYTES = 16_000_000
_CHUNK_BYTES = 1 << 20


class FileBody(io.RawIOBase):
    """A file that is read while it is sent, and tells how far it has come. It has to be closed.

    However little is asked for, it hands over a megabyte: HTTP clients ask for 16 kB, which costs a third of all CPU.
    """

    def __init__(self, path: Path, sent: Sent) -> None:
        super().__init__()
        self._sent, self._path = sent, path
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise unreadable(path, error) from error

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next megabyte."""
        if size == 0:
            return b""
        try:
            data = self._file.read(_CHUNK_BYTES)
        except OSError as error:
            raise unreadable(self._path, error) from error
        self._sent(self._file.tell())
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place in the file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Say how far the file was read."""
        return self._file.tell()

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def digests(path: Path) -> tuple[str, str]:
    """Return the SHA-256 in hexadecimal and the MD5 in base64 of a file, reading it once."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    for data in pieces(path, _CHUNK_BYTES):
        sha256.update(data)
        md5.update(data)
    return sha256.hexdigest(), as_base64(md5.digest())


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return sha256_of_chunks(pieces(path, _CHUNK_BYTES))


def sha256_of_chunks(chunks: Iterable[bytes], *, is_gzip: bool = False) -> str:
    """Return the SHA-256 of what comes in chunks, unpacked where it is compressed."""
    digest, unpacking = hashlib.sha256(), zlib.decompressobj(wbits=31)
    for chunk in chunks:
        if not is_gzip:
            digest.update(chunk)
            continue
        rest = chunk
        while rest and not unpacking.eof:
            try:
                digest.update(unpacking.decompress(rest, _CHUNK_BYTES))
            except zlib.error:  # not what it says it is: no content, so another digest
                return ""
            rest = unpacking.unconsumed_tail
    return digest.hexdigest()


def md5(data: bytes) -> str:
    """Return the MD5 of `data` in base64, for services that compare nothing else."""
    return as_base64(hashlib.md5(data, usedforsecurity=False).digest())


def pieces(path: Path, size: int | None = None) -> Iterator[bytes]:
    """Read a file piece by piece; as large as parts of an upload, where no size is given.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            while data := file.read(size or PART_BYTES):
                yield data
    except OSError as error:
        raise unreadable(path, error) from error


def as_base64(digest: bytes) -> str:
    """Write a digest as S3 wants it."""
    return base64.b64encode(digest).decode()
