"""An object of a service -> its content, or the other way, by signed requests of the standard library: boto3 is slow.

Only what is certain is answered: wherever boto3 might find other credentials, another address or another way, or
where anything at all goes wrong, the answer is None, and boto3 is asked.

Source: AWS Signature Version 4, as Amazon S3 documents it for the Authorization header.
"""

import hashlib
import hmac
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

_EMPTY = hashlib.sha256(b"").hexdigest()
_CONNECT_S, READ_S = 5, 30
ERROR_BYTES = 65_536
_DEFAULT_REGION = "us-east-1"

_ENDPOINT = re.compile(
    r"(https?)://((?:[a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63})(?::([0-9]{1,5}))?/?", re.IGNORECASE | re.ASCII
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_OTHER_BUCKET = re.compile(r"--[a-z]+-s3$|-s3alias$|\.mrap$")  # which have addresses of their own
_REGION = re.compile(r"[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")
_OTHER_REGION = re.compile(r"fips|global|external", re.IGNORECASE)  # names that boto3 reads as those of others
_AMAZONS_REGION = re.compile(r"(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-[0-9]")
_PROFILE = re.compile(r"[A-Za-z0-9_.@+-]+")
_VISIBLE = re.compile(r"[!-~]+")
_CODE = re.compile(rb"<Code>\s*([^<\s]*)\s*</Code>")

_READ_HERE = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"),
    *("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
    "AWS_CA_BUNDLE",
}
_WITHOUT_EFFECT = {
    *("AWS_REGION", "AWS_ACCOUNT_ID", "AWS_DEFAULT_OUTPUT", "AWS_PAGER", "AWS_CLI_AUTO_PROMPT", "AWS_VAULT"),
    *("AWS_EC2_METADATA_DISABLED", "AWS_EXECUTION_ENV", "AWS_SDK_LOAD_CONFIG", "AWS_SDK_UA_APP_ID"),
    *("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"),
}
_CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_KEYS = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}
_SETTINGS = {"region", "output", "cli_pager"}


class UncertainError(Exception):
    """Only boto3 knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a service answered.

    status: 200, or 404 where it said that there is no such object; tag: the ETag as sent, with its quotes; age_s: since
    the object was written, by the service's own clock, 0.0 where it does not say.
    """

    status: int
    data: bytes = b""
    tag: str = ""
    age_s: float = 0.0

    @property
    def is_there(self) -> bool:
        """Whether there is such an object."""
        return self.status == HTTPStatus.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request is signed with; only the name of the key shows when it is printed."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an object is. netloc: its host, and the port where it is not the usual one; path: already encoded."""

    scheme: str
    netloc: str
    path: str


def get(
    *,
    bucket: str,
    key: str,
    endpoint_url: str | None,
    region: str | None,
    environment: Mapping[str, str] = os.environ,
    most_bytes: int = 200_000_000,
) -> Answer | None:
    """Fetch an object as boto3 would.

    Args:
        bucket: its bucket.
        key: its key.
        endpoint_url: the service's address; None for what the environment names, or Amazon's.
        region: where the bucket is; None for what the environment or the profile names.
        environment: where credentials and settings are looked for.
        most_bytes: how long the content may be.

    Returns:
        The content, or that there is none; None wherever it is not certain that this is exactly what boto3 would have
        got: then boto3 has to be asked.
    """
    try:
        target, credentials, region = prepared(bucket, key, endpoint_url, region, environment)
        return _fetched(target, signed_headers(target, credentials, region, datetime.now(UTC)), most_bytes)
    except (UncertainError, OSError, ValueError):  # boto3 will meet the same, and say it in its own way
        return None


def prepared(
    bucket: str, key: str, endpoint_url: str | None, region: str | None, environment: Mapping[str, str]
) -> tuple[Target, Credentials, str]:
    """Find out where boto3 would look, with what it would sign, and for which region."""
    if any(_is_unknown(name) for name, value in environment.items() if value):
        raise UncertainError
    profile = _profile(environment)
    credentials = _credentials(environment, profile)
    region = next((given for given in (region, environment.get("AWS_DEFAULT_REGION")) if given is not None), None)
    region = profile.get("region") if region is None else region
    if region is not None and (not _REGION.fullmatch(region) or _OTHER_REGION.search(region)):
        raise UncertainError
    endpoint_url = endpoint_url if endpoint_url is not None else _endpoint_url(environment)
    target = _target(bucket, key, endpoint_url, region, environment)
    return target, credentials, region or _DEFAULT_REGION


def signed_headers(
    target: Target,
    credentials: Credentials,
    region: str,
    now: datetime,
    *,
    verb: str = "GET",
    payload: str = _EMPTY,
    more: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Sign a request.

    Args:
        target: what is asked for.
        credentials: with what.
        region: for which region.
        now: the time, UTC.
        verb: the method.
        payload: the SHA-256 of the body, in hexadecimal.
        more: what else belongs to the request, by names in small letters; signed too.

    Returns:
        Every header that belongs to the request.

    Source: AWS Signature Version 4.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    given = {"host": target.netloc, "x-amz-content-sha256": payload, "x-amz-date": stamp, **more}
    if credentials.token:
        given["x-amz-security-token"] = credentials.token
    headers = {name: given[name] for name in sorted(given)}
    names = ";".join(headers)
    canonical = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in headers.items())
    request = f"{verb}\n{target.path}\n\n{canonical}\n{names}\n{payload}"
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signing = _signing_key(credentials.secret_key, scope)
    signature = hmac.digest(signing, text.encode(), "sha256").hex()
    credential = f"{credentials.access_key}/{scope}"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return headers


def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _is_unknown(name: str) -> bool:
    return name.startswith(("AWS_", "BOTOCORE_")) and name not in _READ_HERE and name not in _WITHOUT_EFFECT


def _credentials(environment: Mapping[str, str], profile: Mapping[str, str]) -> Credentials:
    if environment.get("AWS_ACCESS_KEY_ID"):  # which go before the keys of a profile, even of one that is named
        access_key, secret_key = environment["AWS_ACCESS_KEY_ID"], environment.get("AWS_SECRET_ACCESS_KEY")
        token = environment.get("AWS_SECURITY_TOKEN") or environment.get("AWS_SESSION_TOKEN") or None
    else:
        access_key, secret_key = profile.get("aws_access_key_id", ""), profile.get("aws_secret_access_key")
        token = profile.get("aws_session_token")
    if not all(_VISIBLE.fullmatch(part or "") for part in (access_key, secret_key, token or "-")):
        raise UncertainError
    return Credentials(access_key=access_key, secret_key=str(secret_key), token=token)


def _profile(environment: Mapping[str, str]) -> dict[str, str]:
    """Read what both files say of the profile; where both say something, the credentials file holds."""
    named = next((environment[name] for name in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE") if name in environment), None)
    profile = "default" if named is None else named
    if not _PROFILE.fullmatch(profile):
        raise UncertainError
    section = "default" if profile == "default" else f"profile {profile}"
    settings = _section(environment.get("AWS_CONFIG_FILE", "~/.aws/config"), section, _SETTINGS)
    keys = _section(environment.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), profile, _KEYS | _SETTINGS)
    if named is not None and settings is None and keys is None:
        raise UncertainError
    return {**(settings or {}), **(keys or {})}


def _section(path: str, section: str, known: set[str]) -> dict[str, str] | None:
    """Read a section that says nothing but what is known; None where there is no such section."""
    path = os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111  as boto3 does it
    if not os.path.isfile(path):  # noqa: PTH113  a device is no file
        return None
    from configparser import Error, RawConfigParser  # noqa: PLC0415  often there is no such file

    parser = RawConfigParser()
    try:
        with open(path) as opened:  # noqa: PTH123  in the encoding that boto3 would read it in
            parser.read_file(opened)
    except Error as error:
        raise UncertainError from error
    if any(_is_another_spelling(name) for name in parser.sections()):
        raise UncertainError
    if not parser.has_section(section):
        return None
    found = dict(parser[section])
    if found.keys() - known or not all(_VISIBLE.fullmatch(value) for value in found.values()):
        raise UncertainError
    return found


def _is_another_spelling(section: str) -> bool:
    """Tell whether it may be one of the several ways to name a profile."""
    if not section.startswith("profile"):
        return False
    name = section.removeprefix("profile ")
    return name in (section, "default") or not _PROFILE.fullmatch(name)


def _endpoint_url(environment: Mapping[str, str]) -> str | None:
    if environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or None


def _target(
    bucket: str, key: str, endpoint_url: str | None, region: str | None, environment: Mapping[str, str]
) -> Target:
    if not key or not _BUCKET.fullmatch(bucket) or _OTHER_BUCKET.search(bucket):
        raise UncertainError
    path = quote(key, safe="/~")
    if endpoint_url is not None:
        scheme, netloc = _service(endpoint_url)
        target = Target(scheme=scheme, netloc=netloc, path=f"/{bucket}/{path}")
    else:
        if region is None or not _AMAZONS_REGION.fullmatch(region) or "." in bucket:
            raise UncertainError
        netloc = "s3.amazonaws.com" if region == _DEFAULT_REGION else f"s3.{region}.amazonaws.com"  # as boto3 has it
        target = Target(scheme="https", netloc=f"{bucket}.{netloc}", path=f"/{path}")
    if _has_own_certificates(target.scheme, environment) or _is_proxied(target.scheme, netloc, environment):
        raise UncertainError
    return target


def _service(endpoint_url: str) -> tuple[str, str]:
    found = _ENDPOINT.fullmatch(endpoint_url)
    if found is None or "s3-accelerate" in endpoint_url:
        raise UncertainError
    scheme, host = found[1].lower(), found[2].lower()
    port = int(found[3] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 2**16:
        raise UncertainError
    return scheme, host if port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"


def _has_own_certificates(scheme: str, environment: Mapping[str, str]) -> bool:
    named = [environment[name] for name in _CERTIFICATES if name in environment]
    return any(scheme == "https" or not path.strip() for path in named)  # an empty name is a fault to boto3


def _is_proxied(scheme: str, netloc: str, environment: Mapping[str, str]) -> bool:
    names = sorted(name for name in environment if name.lower().endswith("_proxy"))  # small letters win: they are last
    proxies = {name.lower().removesuffix("_proxy"): environment[name] for name in names}
    if not proxies and (os.name == "nt" or sys.platform == "darwin"):  # where the system has settings of its own
        from urllib.request import getproxies  # noqa: PLC0415  slow to import

        return scheme in getproxies()
    if not proxies.get(scheme) and not proxies.get("all"):
        return False
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # noqa: PLC0415  slow to import

    return not proxy_bypass_environment(netloc, proxies)


def _fetched(target: Target, headers: dict[str, str], most_bytes: int) -> Answer:
    from http.client import HTTPException  # noqa: PLC0415  slow to import, and often there is nothing to ask

    connection = connect(target)
    try:
        connection.connect()
        if connection.sock is not None:
            connection.sock.settimeout(READ_S)
        connection.request("GET", target.path, headers=headers)
        with connection.getresponse() as response:
            return _answer(response, most_bytes)
    except HTTPException as error:
        raise UncertainError from error
    finally:
        connection.close()


def connect(target: Target) -> "HTTPConnection":
    """Make a connection to a service, which is opened by the first request."""
    from http.client import HTTPConnection, HTTPSConnection  # noqa: PLC0415  slow to import

    if target.scheme == "http":
        return HTTPConnection(target.netloc, timeout=_CONNECT_S)
    import ssl  # noqa: PLC0415  slow to import

    return HTTPSConnection(target.netloc, timeout=_CONNECT_S, context=ssl.create_default_context())


def _answer(response: "HTTPResponse", most_bytes: int) -> Answer:
    if response.status == HTTPStatus.NOT_FOUND:
        code = _CODE.search(_whole(response, ERROR_BYTES))
        if code is not None and code[1] == b"NoSuchKey":
            return Answer(status=HTTPStatus.NOT_FOUND.value)
    tag = response.headers.get("ETag")
    if response.status != HTTPStatus.OK or not tag:
        raise UncertainError
    return Answer(status=HTTPStatus.OK.value, data=_whole(response, most_bytes), tag=tag, age_s=_age_s(response))


def _whole(response: "HTTPResponse", most_bytes: int) -> bytes:
    length = response.length  # None where it comes in chunks, which say themselves when they are cut
    if (length is None and not response.chunked) or (length or 0) > most_bytes:
        raise UncertainError
    data = response.read(most_bytes + 1)
    if len(data) > most_bytes or length not in (None, len(data)):
        raise UncertainError
    return data


def _age_s(response: "HTTPResponse") -> float:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  http.client has imported it

    now, written = response.headers.get("Date"), response.headers.get("Last-Modified")
    if not now or not written:
        return 0.0
    try:
        return max(0.0, (parsedate_to_datetime(now) - parsedate_to_datetime(written)).total_seconds())
    except (ValueError, TypeError, OverflowError):  # TypeError: only one of them has a zone
        return 0.0
