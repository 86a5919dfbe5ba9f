"""Small objects -> a service, by the standard library over connections that stay open: boto3 takes much longer.

What is not confirmed at once is not retried here: then boto3 sends it, with all its patience.
"""

import base64
import hashlib
import os
import weakref
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import quote

from pipeline.publish import signed

if TYPE_CHECKING:
    from http.client import HTTPConnection

_ANY_KEY = "any-key"
_CHECKSUM = "x-amz-checksum-sha256"


class Sender:
    """Sends small objects over connections that stay open; boto3 takes seven times as long for each.

    Args:
        bucket: where to.
        endpoint_url: the service's address; None for what the environment names, or Amazon's.
        region: where the bucket is; None for what the environment or the profile names.
    """

    def __init__(
        self,
        *,
        bucket: str,
        endpoint_url: str | None,
        region: str | None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._idle: SimpleQueue[HTTPConnection] = SimpleQueue()
        weakref.finalize(self, _close, self._idle)
        self._known: tuple[signed.Target, signed.Credentials, str] | None = None
        try:
            self._known = signed.prepared(bucket, _ANY_KEY, endpoint_url, region, environment)
        except (signed.UncertainError, OSError, ValueError):
            return  # boto3 will meet the same, and say it in its own way

    def put(self, key: str, data: bytes, headers: Mapping[str, str]) -> str | None:
        """Send an object and have the service compare its SHA-256.

        Args:
            key: where to.
            data: the content.
            headers: what it is stored with, by names in small letters.

        Returns:
            Its ETag with quotes, where the service has confirmed the content; None where anything at all was otherwise:
            then boto3 has to send it.
        """
        if self._known is None:
            return None
        where, credentials, region = self._known
        target = replace(where, path=where.path.removesuffix(_ANY_KEY) + quote(key, safe="/~"))
        digest = hashlib.sha256(data)
        checksum = base64.b64encode(digest.digest()).decode()
        more = {**headers, _CHECKSUM: checksum}
        headers = signed.signed_headers(
            target, credentials, region, datetime.now(UTC), verb="PUT", payload=digest.hexdigest(), more=more
        )
        try:
            answered = self._answered(target, data, headers)
        except (OSError, ValueError):
            return None
        found = {name.lower(): value for name, value in answered.items()}
        return found.get("etag") if found.get(_CHECKSUM) == checksum else None

    def _answered(self, target: signed.Target, data: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        from http.client import HTTPException  # noqa: PLC0415  slow to import

        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = signed.connect(target)
            connection.timeout = signed.READ_S
        try:
            connection.request("PUT", target.path, body=data, headers=headers)
            with connection.getresponse() as response:
                is_done = response.status == HTTPStatus.OK and not response.read(signed.ERROR_BYTES)
        except (HTTPException, OSError) as error:
            connection.close()
            raise OSError from error
        if not is_done or response.will_close:
            connection.close()
        else:
            self._idle.put(connection)
        return dict(response.headers) if is_done else {}


def _close(idle: "SimpleQueue[HTTPConnection]") -> None:
    while not idle.empty():
        idle.get_nowait().close()
