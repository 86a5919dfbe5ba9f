"""The address of an object -> its content, by one signed request of the standard library; boto3 takes longer to import.

Only what is certain is answered: wherever boto3 might find other credentials, another address or another way, or
where anything at all goes wrong, the answer is None, and boto3 is asked.

Source: AWS Signature Version 4, as Amazon S3 documents it for the Authorization header.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as NoSettings
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

_EMPTY = hashlib.sha256(b"").hexdigest()
_CONNECT_S, _READ_S = 5, 30
_MOST_BYTES = 200_000_000
_REGION = re.compile(r"(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d")
_OTHER_WAYS = re.compile(r"AWS_(?:USE_.*|S3_.*|WEB_IDENTITY_.*|ROLE_.*|CONTAINER_.*|DATA_PATH|STS_.*)")
_OWN_CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a service answered.

    is_there: False where it said that there is no such object; tag: the ETag with its quotes; age_s: since the object
    was written, by the service's own clock.
    """

    is_there: bool
    data: bytes = b""
    tag: str = ""
    age_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request is signed with."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def get(
    *,
    bucket: str,
    key: str,
    endpoint_url: str | None,
    region: str | None,
    environment: Mapping[str, str] = os.environ,
) -> Answer | None:
    """Fetch an object as boto3 would.

    Args:
        bucket: its bucket.
        key: its key.
        endpoint_url: the service's address; None for what the environment names, or Amazon's.
        region: where the bucket is; None for what the environment names.
        environment: where credentials and settings are looked for.

    Returns:
        None where boto3 has to be asked.
    """
    if any(_OTHER_WAYS.fullmatch(name) for name, value in environment.items() if value):
        return None
    settings = _Settings(environment)
    credentials, own_region = settings.credentials(), settings.region()
    region = region or own_region
    address = _address(bucket, key, endpoint_url or settings.endpoint_url(), region)
    if credentials is None or address is None or not settings.is_plain:
        return None
    url = urlsplit(address)
    if url.scheme in getproxies() and not proxy_bypass(url.hostname or ""):
        return None
    if url.scheme == "https" and any(environment.get(name) for name in _OWN_CERTIFICATES):
        return None
    headers = signed_headers(address, credentials, region or "us-east-1", datetime.now(UTC))
    try:
        return _fetched(address, headers)
    except (OSError, HTTPException, ValueError):  # boto3 will meet the same, and say it in its own way
        return None


def signed_headers(address: str, credentials: Credentials, region: str, now: datetime) -> dict[str, str]:
    """Sign a GET of an address whose path is encoded already."""
    url, stamp = urlsplit(address), now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": url.netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = sorted(headers)
    canonical = "".join(f"{name}:{headers[name]}\n" for name in names)
    request = "\n".join(["GET", url.path, "", canonical, ";".join(names), _EMPTY])
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signing = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    signature = hmac.digest(signing, text.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return headers


class _Settings:
    """What the environment and the files of this machine say; `is_plain` as long as it is nothing for boto3 alone."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._profile = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE") or "default"
        self._has_profile = self._profile != "default"
        self.is_plain = True

    def credentials(self) -> Credentials | None:
        named = self._environment
        pair = named.get("AWS_ACCESS_KEY_ID"), named.get("AWS_SECRET_ACCESS_KEY")
        if all(pair) and not self._has_profile:
            token = named.get("AWS_SESSION_TOKEN") or named.get("AWS_SECURITY_TOKEN")
            return Credentials(access_key=str(pair[0]), secret_key=str(pair[1]), token=token)
        if any(pair):
            return None
        found = self._section("AWS_SHARED_CREDENTIALS_FILE", "credentials", self._profile)
        kept = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region"}
        if not {"aws_access_key_id", "aws_secret_access_key"} <= found.keys() or set(found) - kept:
            return None
        return Credentials(
            access_key=found["aws_access_key_id"],
            secret_key=found["aws_secret_access_key"],
            token=found.get("aws_session_token"),
        )

    def region(self) -> str | None:
        name = f"profile {self._profile}" if self._has_profile else "default"
        found = self._section("AWS_CONFIG_FILE", "config", name)
        if set(found) - {"region", "output"}:  # a role, a way to sign in, another address
            self.is_plain = False
        return self._environment.get("AWS_DEFAULT_REGION") or found.get("region")

    def endpoint_url(self) -> str | None:
        named = self._environment
        if named.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
            return None
        return named.get("AWS_ENDPOINT_URL_S3") or named.get("AWS_ENDPOINT_URL")

    def _section(self, variable: str, name: str, section: str) -> dict[str, str]:
        path = Path(self._environment.get(variable) or f"~/.aws/{name}")
        try:
            parser = ConfigParser(interpolation=None)
            parser.read(path.expanduser(), encoding="utf-8")
            if section not in parser:
                self.is_plain = self.is_plain and not (self._has_profile and name == "credentials")
                return {}
            return dict(parser[section])
        except (OSError, RuntimeError, UnicodeDecodeError, NoSettings):  # RuntimeError: nobody's home folder
            self.is_plain = False
            return {}


def _address(bucket: str, key: str, endpoint_url: str | None, region: str | None) -> str | None:
    path = quote(key, safe="/~")
    if endpoint_url:
        url = urlsplit(endpoint_url)
        is_usable = url.scheme in ("http", "https") and url.hostname and not url.query and url.path in ("", "/")
        return f"{url.scheme}://{_host(url.scheme, url.netloc)}/{bucket}/{path}" if is_usable else None
    if region is None or not _REGION.fullmatch(region) or "." in bucket:
        return None
    return f"https://{bucket}.s3.{region}.amazonaws.com/{path}"


def _host(scheme: str, netloc: str) -> str:
    return netloc.removesuffix({"http": ":80", "https": ":443"}[scheme])


def _fetched(address: str, headers: dict[str, str]) -> Answer | None:
    url = urlsplit(address)
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.netloc, timeout=_CONNECT_S)
    try:
        connection.connect()
        if connection.sock is not None:
            connection.sock.settimeout(_READ_S)
        connection.request("GET", url.path, headers=headers)
        with connection.getresponse() as response:
            return _answer(response)
    finally:
        connection.close()


def _answer(response: HTTPResponse) -> Answer | None:
    data = response.read(_MOST_BYTES + 1)
    if response.status == 404 and b"<Code>NoSuchKey</Code>" in data:  # noqa: PLR2004
        return Answer(is_there=False)
    length = response.headers.get("Content-Length")
    is_whole = len(data) <= _MOST_BYTES and length is not None and int(length) == len(data)
    if response.status != 200 or not is_whole:  # noqa: PLR2004
        return None
    return Answer(is_there=True, data=data, tag=response.headers.get("ETag", ""), age_s=_age_s(response))


def _age_s(response: HTTPResponse) -> float:
    now, written = response.headers.get("Date"), response.headers.get("Last-Modified")
    if not now or not written:
        return 0.0
    return max(0.0, (parsedate_to_datetime(now) - parsedate_to_datetime(written)).total_seconds())
