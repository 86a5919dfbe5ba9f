"""Reading an object without boto3: as boto3 would, or not at all."""

import logging
import os
import re
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from pipeline.publish import connecting, signed
from tests.seaweed import Seaweed, free_ports

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
CANARY = "canary5ecret+with/slash"
TOKEN = "a/token+with=signs"  # noqa: S105  nobody's
KEYS = [
    *("plain.txt", "with space.txt", "a+b%20c.txt", "é/日本.txt", "a&b=c;d~e.txt", "(1)!*'@:,$?#[].txt"),
    *("a//b", "😀", "feed.xml/", "%2F", "-_.~"),
]
SIGNED_IN = {"AWS_ACCESS_KEY_ID": "ENVIRONMENT", "AWS_SECRET_ACCESS_KEY": CANARY}
MISSING = signed.Answer(status=404)
GOOD = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 4\r\n\r\ndata'


def nowhere(tmp_path: Path, **more: str) -> dict[str, str]:
    """Say that this machine knows nothing but `more`."""
    return {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        **more,
    }


def environment(s3: Seaweed, tmp_path: Path, **more: str) -> dict[str, str]:
    """Say what this machine knows: the publisher's key, and no files."""
    keys = {"AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key}
    return nowhere(tmp_path, **{**keys, **more})


def fetch(s3: Seaweed, bucket: str, key: str, known: Mapping[str, str]) -> signed.Answer | None:
    """Fetch an object of the real store."""
    return signed.get(bucket=bucket, key=key, endpoint_url=s3.endpoint_url, region="us-east-1", environment=known)


# A real store


@pytest.fixture(scope="module")
def bucket(s3: Seaweed) -> str:
    """Name one bucket for all that is only read."""
    return s3.new_bucket()


@pytest.mark.parametrize("key", [key for key in KEYS if "//" not in key and not key.endswith("/")])
def test_an_object_reads_as_boto3_reads_it(s3: Seaweed, bucket: str, tmp_path: Path, key: str) -> None:
    """Content and ETag are boto3's, whatever is in the key, and the age is that of the object."""
    client, body = s3.client(), b"content \x00\xff of " + key.encode()
    client.put_object(Bucket=bucket, Key=key, Body=body)
    expected = client.get_object(Bucket=bucket, Key=key)
    answer = fetch(s3, bucket, key, environment(s3, tmp_path))
    assert answer is not None
    assert (answer.status, answer.is_there) == (200, True)
    assert (answer.data, answer.tag) == (expected["Body"].read(), expected["ETag"])
    assert answer.data == body
    assert 0 <= answer.age_s < 30
    client.close()


def test_content_is_not_decoded(s3: Seaweed, bucket: str, tmp_path: Path) -> None:
    """What is stored compressed, or empty, comes as it is stored."""
    client = s3.client()
    for body in (b"not really gzip", b""):
        client.put_object(Bucket=bucket, Key="encoded", Body=body, ContentEncoding="gzip")
        answer = fetch(s3, bucket, "encoded", environment(s3, tmp_path))
        assert answer is not None
        assert (answer.status, answer.data) == (200, body)
    client.close()


def test_what_is_not_there_is_told_from_what_cannot_be_read(s3: Seaweed, bucket: str, tmp_path: Path) -> None:
    """A missing key is an answer; a missing bucket, a wrong secret and a closed port are questions for boto3."""
    known = environment(s3, tmp_path)
    assert fetch(s3, bucket, "missing", known) == MISSING
    assert not MISSING.is_there
    assert fetch(s3, "no-such-bucket", "missing", known) is None
    assert fetch(s3, bucket, "missing", {**known, "AWS_SECRET_ACCESS_KEY": CANARY}) is None
    assert fetch(s3, bucket, "missing", {**known, "AWS_SESSION_TOKEN": TOKEN}) is None
    closed = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert signed.get(bucket=bucket, key="x", endpoint_url=closed, region="us-east-1", environment=known) is None


def test_content_may_be_as_long_as_it_may(s3: Seaweed, bucket: str, tmp_path: Path) -> None:
    """One byte more than is allowed is left to boto3."""
    client, known = s3.client(), environment(s3, tmp_path)
    client.put_object(Bucket=bucket, Key="long", Body=b"12345")
    where = {"bucket": bucket, "key": "long", "endpoint_url": s3.endpoint_url, "region": None}
    answer = signed.get(**where, environment=known, most_bytes=5)
    assert answer is not None
    assert answer.data == b"12345"
    assert signed.get(**where, environment=known, most_bytes=4) is None
    client.close()


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_the_address_may_stand_in_the_environment(s3: Seaweed, bucket: str, tmp_path: Path, variable: str) -> None:
    """The variables that boto3 reads an address from serve too."""
    known = environment(s3, tmp_path, **{variable: s3.endpoint_url})
    assert signed.get(bucket=bucket, key="missing", endpoint_url=None, region=None, environment=known) == MISSING


def test_keys_of_a_profile_are_used(s3: Seaweed, bucket: str, tmp_path: Path) -> None:
    """Static keys in the shared credentials file serve as they do for boto3, also under a profile of another name."""
    right = f"aws_access_key_id = {s3.access_key}\naws_secret_access_key = {s3.secret_key}\n"
    wrong = f"aws_access_key_id = {s3.access_key}\naws_secret_access_key = {CANARY}\n"
    (tmp_path / "credentials").write_text(f"[default]\n{right}[other]\n{right}[wrong]\n{wrong}[sso]\nsso_session = x\n")
    for profile in ({}, {"AWS_PROFILE": "other"}, {"AWS_DEFAULT_PROFILE": "other"}):
        assert fetch(s3, bucket, "missing", nowhere(tmp_path, **profile)) == MISSING
    for name in ("wrong", "sso", "nobody", "", "DEFAULT"):
        assert fetch(s3, bucket, "missing", nowhere(tmp_path, AWS_PROFILE=name)) is None


# A server that answers whatever it is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A server of one answer: its address, and the heads of the requests it got."""

    url: str
    heads: list[str]


@contextmanager
def answering(answer: bytes, secure: ssl.SSLContext | None = None) -> Iterator[Told]:
    """Send the same bytes to whoever asks, and close the connection; nothing at all where there are none to send."""
    heads: list[str] = []
    is_over = threading.Event()

    class Connection(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines = iter(self.rfile.readline, b"\r\n")
            heads.append(b"".join(lines).decode("latin-1"))
            if not answer:
                is_over.wait(10)
            self.wfile.write(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Connection) as server:
        if secure:
            server.socket = secure.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            kind, host = ("https", "localhost") if secure else ("http", "127.0.0.1")
            yield Told(url=f"{kind}://{host}:{server.server_address[1]}", heads=heads)
        finally:
            is_over.set()
            server.shutdown()
            thread.join()


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Write an answer that says how long it is."""
    lines = [f"HTTP/1.1 {status} X", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def asked(endpoint: str, tmp_path: Path, **more: str) -> signed.Answer | None:
    """Ask a server for an object."""
    known = nowhere(tmp_path, **SIGNED_IN, **more)
    return signed.get(bucket="bucket", key="key", endpoint_url=endpoint, region=None, environment=known)


def error(code: str) -> bytes:
    """Write what a service says when it refuses."""
    return f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>NoSuchKey</Message></Error>'.encode()


TAG = 'ETag: "1"'
CHUNKED = b'HTTP/1.1 %d X\r\nETag: "1"\r\nTransfer-Encoding: chunked\r\n\r\n'
ODD = {
    "moved": answer(301, b"", "Location: http://127.0.0.1:9/"),
    "found": answer(307, error("TemporaryRedirect"), "Location: http://127.0.0.1:9/"),
    "no content": answer(204, b"", TAG),
    "a part": answer(206, b"data", TAG),
    "bad request": answer(400, error("AuthorizationHeaderMalformed")),
    "refused": answer(403, error("AccessDenied")),
    "no bucket": answer(404, error("NoSuchBucket")),
    "no reason": answer(404),
    "a page": answer(404, b"<h1>NoSuchKey</h1>"),
    "no key, refused": answer(403, error("NoSuchKey")),
    "no key, cut": answer(404, error("NoSuchKey")).replace(b"Content-Length: ", b"Content-Length: 1"),
    "fault": answer(500),
    "busy": answer(503, error("SlowDown")),
    "cut": GOOD[:-1],
    "no length": GOOD.replace(b"Content-Length: 4\r\n", b""),
    "no tag": answer(200, b"data"),
    "a bad length": GOOD.replace(b": 4", b": four"),
    "chunks cut": CHUNKED % 200 + b"4\r\ndata\r\n",
    "a chunk cut": CHUNKED % 200 + b"8\r\ndata",
    "a bad chunk": CHUNKED % 200 + b"x\r\ndata\r\n0\r\n\r\n",
    "error chunks cut": CHUNKED % 404 + b"40\r\n" + error("NoSuchKey"),
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize("sent", ODD.values(), ids=ODD)
def test_any_other_answer_is_left_to_boto3(tmp_path: Path, sent: bytes) -> None:
    """Redirects, refusals, faults and cut bodies have their sentences elsewhere, and nothing is asked twice."""
    with answering(sent) as told:
        assert asked(told.url, tmp_path) is None
    assert len(told.heads) == 1


def test_whole_answers_are_taken(tmp_path: Path) -> None:
    """The same answers, whole, are taken: with a length and in chunks, as Amazon sends its refusals."""
    missing = error("NoSuchKey")
    for sent, expected in (
        (GOOD, signed.Answer(status=200, data=b"data", tag='"1"')),
        (CHUNKED % 200 + b"2\r\nda\r\n2\r\nta\r\n0\r\n\r\n", signed.Answer(status=200, data=b"data", tag='"1"')),
        (answer(404, missing), MISSING),
        (CHUNKED % 404 + b"%x\r\n%s\r\n0\r\n\r\n" % (len(missing), missing), MISSING),
    ):
        with answering(sent) as told:
            assert asked(told.url, tmp_path) == expected


def test_chunks_that_go_on_are_not_read_to_their_end(tmp_path: Path) -> None:
    """Content that does not say how long it is may be no longer than any other."""
    known = nowhere(tmp_path, **SIGNED_IN)
    with answering(CHUNKED % 200 + b"2\r\nda\r\n" * 3 + b"0\r\n\r\n") as told:
        where = {"bucket": "bucket", "key": "key", "endpoint_url": told.url, "region": None}
        assert signed.get(**where, environment=known, most_bytes=5) is None
        assert signed.get(**where, environment=known, most_bytes=6) is not None


def test_silence_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes a request and says nothing is left to boto3 after a while."""
    monkeypatch.setattr(signed, "READ_S", 0.2)
    with answering(b"") as told:
        begun = time.monotonic()
        assert asked(told.url, tmp_path) is None
        assert time.monotonic() - begun < 5
    assert len(told.heads) == 1


@pytest.mark.parametrize(
    ("now", "written", "age_s"),
    [
        ("Thu, 26 Nov 2026 09:30:00 GMT", "Thu, 26 Nov 2026 09:24:30 GMT", 330.0),
        ("Thu, 26 Nov 2026 09:30:00 GMT", "Thu, 26 Nov 2026 09:30:10 GMT", 0.0),
        ("Thu, 26 Nov 2026 09:30:00 GMT", None, 0.0),
        (None, "Thu, 26 Nov 2026 09:30:00 GMT", 0.0),
        ("Thu, 26 Nov 2026 09:30:00 GMT", "yesterday", 0.0),
        ("Thu, 26 Nov 2026 09:30:00 GMT", "Thu, 26 Nov 2026 09:24:30 -0000", 0.0),
    ],
)
def test_the_age_is_by_the_servers_clock(tmp_path: Path, now: str | None, written: str | None, age_s: float) -> None:
    """Date minus Last-Modified, never negative, and nothing where either is missing or no date."""
    dates = [f"{name}: {value}" for name, value in (("Date", now), ("Last-Modified", written)) if value]
    with answering(answer(200, b"data", TAG, *dates)) as told:
        found = asked(told.url, tmp_path)
    assert found is not None
    assert found.age_s == age_s


def test_certificates_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for ends the short way; one that this machine trusts does not."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run([*made.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with answering(GOOD, context) as told:
        assert asked(told.url, tmp_path) is None
        assert told.heads == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        found = asked(told.url, tmp_path)
        assert asked(told.url.replace("localhost", "127.0.0.1"), tmp_path) is None
    assert found is not None
    assert found.data == b"data"
    assert len(told.heads) == 1


# The request is boto3's


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks for, with whose key, and for which region."""

    line: str
    host: str
    scope: str
    token: str | None


def request_of(head: str) -> Asked:
    """Read what matters of a request's head."""
    line, *rest = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    found = re.search(r"Credential=([^/]+)/\d{8}/([^,]*)", headers["authorization"])
    assert found is not None
    return Asked(
        line=line, host=headers["host"], scope="/".join(found.groups()), token=headers.get("x-amz-security-token")
    )


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[Told, Any]]:
    """Run a server that notes what it is asked, and a boto3 client of it, signed in with a token."""
    with answering(answer(200, b"data", TAG, "Last-Modified: Thu, 26 Nov 2026 09:30:00 GMT")) as told:
        client = boto3.client(
            "s3",
            endpoint_url=told.url,
            region_name="eu-west-2",
            aws_access_key_id="ENVIRONMENT",
            aws_secret_access_key=CANARY,
            aws_session_token=TOKEN,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )
        yield told, client
        client.close()


def both_ask(listening: tuple[Told, Any], key: str) -> tuple[Asked, Asked]:
    """Ask for an object both ways; return what the server saw."""
    told, client = listening
    told.heads.clear()
    known = {**SIGNED_IN, "AWS_SESSION_TOKEN": TOKEN, "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""}
    found = signed.get(bucket="b-1", key=key, endpoint_url=told.url, region="eu-west-2", environment=known)
    assert found is not None
    client.get_object(Bucket="b-1", Key=key)["Body"].close()
    mine, botos = told.heads
    return request_of(mine), request_of(botos)


@pytest.mark.parametrize("key", KEYS)
def test_the_server_sees_what_it_sees_of_boto3(listening: tuple[Told, Any], key: str) -> None:
    """The request line, the host, the scope of the signature and the session's token are the same on the wire."""
    mine, botos = both_ask(listening, key)
    assert mine == botos
    assert mine.token == TOKEN


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_key_is_asked_for_as_boto3_asks(listening: tuple[Told, Any], key: str) -> None:
    """Whatever text a key is, the path is the one that botocore asks for."""
    mine, botos = both_ask(listening, key)
    assert mine == botos


def botos_signature(
    target: signed.Target, credentials: signed.Credentials, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Sign the same request with botocore, at the same time."""
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None))  # noqa: ARG005
    request = AWSRequest(method="GET", url=f"{target.scheme}://{target.netloc}{target.path}", headers={})
    request.context["client_config"] = Config(s3={"payload_signing_enabled": True})
    known = BotoCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    S3SigV4Auth(known, "s3", "eu-west-2").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize(
    "endpoint",
    [*("http://127.0.0.1:8333", "http://127.0.0.1:80", "https://s3.example:443", "https://s3.example:9000"), None],
)
@pytest.mark.parametrize("key", KEYS)
def test_the_signature_is_botocores(
    endpoint: str | None, key: str, token: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the same moment both sign with the same text, with and without a port and a session's token."""
    known = nowhere(tmp_path, **SIGNED_IN, **({"AWS_SESSION_TOKEN": token} if token else {}))
    target, credentials, region = signed.prepared("my-bucket", key, endpoint, "eu-west-2", known)
    mine = signed.signed_headers(target, credentials, region, NOW)
    botos = botos_signature(target, credentials, monkeypatch)
    assert mine["Authorization"] == botos["authorization"]
    assert mine.get("x-amz-security-token") == botos.get("x-amz-security-token") == token
    assert (mine["x-amz-date"], mine["x-amz-content-sha256"]) == (botos["x-amz-date"], botos["x-amz-content-sha256"])


# The settings are boto3's


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a computer may know, and which bucket is asked for; the files are the credentials' and the config."""

    known: Mapping[str, str]
    credentials: str | None = None
    config: str | None = None
    endpoint_url: str | None = None
    region: str | None = None
    bucket: str = "my-bucket"

    def put_in_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this computer know just that."""
        for name in [name for name in os.environ if re.match("AWS_|REQUESTS_|(?i:.*_proxy$)", name)]:
            monkeypatch.delenv(name)
        for name, text in (("credentials", self.credentials), ("config", self.config)):
            if text is not None:
                (tmp_path / name).write_text(text, encoding="utf-8")
        for name, value in nowhere(tmp_path, **self.known).items():
            monkeypatch.setenv(name, value)


class CaughtError(Exception):
    """A request that was about to leave."""


def botos_request(case: Case) -> tuple[str, str, str | None]:
    """Say where boto3 would send a request: the address, the scope, the token; no proxy may be on the way."""
    client = connecting.client(endpoint_url=case.endpoint_url, region=case.region, address="s3://b")
    seen = []

    def catch(*, request: Any, **_: object) -> None:
        seen.append(request)
        raise CaughtError

    client.meta.events.register("before-send.s3", catch)
    with pytest.raises(CaughtError):
        client.get_object(Bucket=case.bucket, Key="a key")
    (request,) = seen
    assert client._endpoint.http_session._proxy_config.proxy_url_for(request.url) is None
    client.close()
    headers = {
        name: value.decode() if isinstance(value, bytes) else value for name, value in dict(request.headers).items()
    }
    found = re.search(r"Credential=([^/]+)/\d{8}/([^,]*)", headers["Authorization"])
    assert found is not None
    return request.url, "/".join(found.groups()), headers.get("X-Amz-Security-Token")


def own_request(case: Case) -> tuple[str, str, str | None]:
    """Say the same of the short way."""
    target, credentials, region = signed.prepared(case.bucket, "a key", case.endpoint_url, case.region, os.environ)
    address = f"{target.scheme}://{target.netloc}{target.path}"
    return address, f"{credentials.access_key}/{region}/s3/aws4_request", credentials.token


DEFAULT = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n"
OTHER = "[other]\naws_access_key_id = OTHER\naws_secret_access_key = s\n"
HERE, LONDON, PARIS = "http://127.0.0.1:8333", "eu-west-2", "eu-west-3"
PROXY = {**SIGNED_IN, "HTTPS_PROXY": "http://proxy.example:3128", "HTTP_PROXY": "http://proxy.example:3128"}

SHORT = {
    "Amazon": Case(known=SIGNED_IN, region=LONDON),
    "Amazon's first region": Case(known=SIGNED_IN, region="us-east-1"),
    "no region": Case(known=SIGNED_IN, endpoint_url=HERE),
    "an odd region": Case(known=SIGNED_IN, endpoint_url="https://s3.example", region="auto"),
    "a path that is none": Case(known=SIGNED_IN, endpoint_url="https://s3.example/", region="RegionOne"),
    "a bucket with dots": Case(known=SIGNED_IN, endpoint_url="https://s3.example", bucket="my.bucket"),
    "a port": Case(known=SIGNED_IN, endpoint_url="https://s3.example:9000", region=LONDON),
    "two regions": Case(known={**SIGNED_IN, "AWS_DEFAULT_REGION": LONDON, "AWS_REGION": PARIS}),
    "an argument's region": Case(known={**SIGNED_IN, "AWS_DEFAULT_REGION": LONDON}, region=PARIS),
    "AWS_REGION is not read": Case(known={**SIGNED_IN, "AWS_REGION": PARIS}, endpoint_url=HERE),
    "config's region": Case(known=SIGNED_IN, config=f"[default]\nregion = {LONDON}\noutput = json\n"),
    "credentials' region": Case(
        known=SIGNED_IN, config=f"[default]\nregion={PARIS}\n", credentials=f"[default]\nregion={LONDON}\n"
    ),
    "everybody's region": Case(known={}, credentials=f"[DEFAULT]\nregion={LONDON}\n{DEFAULT}"),
    "no keys but a file's": Case(known={}, credentials=DEFAULT, region=LONDON),
    "a file's token": Case(known={}, credentials=f"{DEFAULT}aws_session_token = {TOKEN}\n", region=LONDON),
    "half a key": Case(known={"AWS_SECRET_ACCESS_KEY": "s"}, credentials=DEFAULT, region=LONDON),
    "keys before a profile": Case(
        known={**SIGNED_IN, "AWS_PROFILE": "other"}, credentials=OTHER, config=f"[profile other]\nregion={PARIS}\n"
    ),
    "a profile in both files": Case(
        known={"AWS_PROFILE": "other"}, credentials=DEFAULT + OTHER, config=f"[profile other]\nregion={PARIS}\n"
    ),
    "a profile in config": Case(
        known={**SIGNED_IN, "AWS_PROFILE": "other"}, config=f"[other]\nregion=x\n[profile other]\nregion={PARIS}\n"
    ),
    "two profiles": Case(
        known={"AWS_PROFILE": "default", "AWS_DEFAULT_PROFILE": "other"}, credentials=DEFAULT + OTHER, region=LONDON
    ),
    "two profiles, the other way": Case(
        known={"AWS_PROFILE": "other", "AWS_DEFAULT_PROFILE": "default"}, credentials=DEFAULT + OTHER, region=LONDON
    ),
    "a token": Case(known={**SIGNED_IN, "AWS_SESSION_TOKEN": TOKEN}, region=LONDON),
    "an empty token": Case(known={**SIGNED_IN, "AWS_SESSION_TOKEN": ""}, region=LONDON),
    "two tokens": Case(known={**SIGNED_IN, "AWS_SESSION_TOKEN": "a", "AWS_SECURITY_TOKEN": "b"}, region=LONDON),
    "an address in the environment": Case(
        known={**SIGNED_IN, "AWS_ENDPOINT_URL_S3": "https://s3.example", "AWS_ENDPOINT_URL": HERE}, region=LONDON
    ),
    "an empty address": Case(known={**SIGNED_IN, "AWS_ENDPOINT_URL_S3": "", "AWS_ENDPOINT_URL": HERE}),
    "an argument's address": Case(known={**SIGNED_IN, "AWS_ENDPOINT_URL": "https://s3.example"}, endpoint_url=HERE),
    "addresses ignored": Case(
        known={**SIGNED_IN, "AWS_ENDPOINT_URL": HERE, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"}, region=LONDON
    ),
    "addresses not ignored": Case(
        known={**SIGNED_IN, "AWS_ENDPOINT_URL": HERE, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}, region=LONDON
    ),
    "no proxy for it": Case(known={**PROXY, "NO_PROXY": "localhost, 127.0.0.1"}, endpoint_url=HERE),
    "no proxy for its port": Case(known={**PROXY, "NO_PROXY": "127.0.0.1:8333"}, endpoint_url=HERE),
    "no proxy for Amazon": Case(known={**PROXY, "no_proxy": f"s3.{LONDON}.amazonaws.com"}, region=LONDON),
    "no proxy at all": Case(known={**PROXY, "no_proxy": "*"}, region=LONDON),
    "a proxy for others": Case(known={**SIGNED_IN, "HTTPS_PROXY": "http://proxy.example"}, endpoint_url=HERE),
    "an empty proxy": Case(known={**SIGNED_IN, "https_proxy": ""}, region=LONDON),
    "files that are none": Case(
        known={**SIGNED_IN, "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": os.devnull}, region=LONDON
    ),
    "certificates that HTTP does not need": Case(
        known={**SIGNED_IN, "AWS_CA_BUNDLE": "x.pem", "REQUESTS_CA_BUNDLE": "y.pem"}, endpoint_url=HERE
    ),
    "a folder for a file": Case(known={**SIGNED_IN, "AWS_CONFIG_FILE": os.sep}, region=LONDON),
    "files by a variable": Case(
        known={"AWS_SHARED_CREDENTIALS_FILE": "$HERE_ARE/keys", "HERE_ARE": os.devnull, **SIGNED_IN}, region=LONDON
    ),
    "variables without effect": Case(
        known={**SIGNED_IN, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "less", "AWS_VAULT": "x"}, region=LONDON
    ),
}


@pytest.mark.parametrize("case", SHORT.values(), ids=SHORT)
def test_settings_are_read_as_boto3_reads_them(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Address, scope and token are those of the request that boto3 is about to send with the same settings."""
    case.put_in_place(tmp_path, monkeypatch)
    assert own_request(case) == botos_request(case)


def named(**known: str) -> Case:
    """Know a variable more than enough."""
    return Case(known={**SIGNED_IN, **known}, region=LONDON)


def configured(config: str, **more: Any) -> Case:
    """Have a config file beside enough of everything."""
    return Case(known=SIGNED_IN, config=config, region=LONDON, **more)


def kept(credentials: str, config: str | None = None) -> Case:
    """Have no keys but in a file."""
    return Case(known={}, credentials=credentials, config=config, region=LONDON)


LONG = {
    "nothing": Case(known={}, region=LONDON),
    "no secret": named(AWS_SECRET_ACCESS_KEY=""),
    "a key of two lines": named(AWS_SECRET_ACCESS_KEY=f"{CANARY}\nx"),
    "a key beyond ASCII": named(AWS_ACCESS_KEY_ID="é"),
    "a token with a space": named(AWS_SESSION_TOKEN=f"{CANARY} x"),
    "keys that expire": named(AWS_CREDENTIAL_EXPIRATION="2020-01-01T00:00:00Z"),
    "FIPS": named(AWS_USE_FIPS_ENDPOINT="true"),
    "dual stack": named(AWS_USE_DUALSTACK_ENDPOINT="true"),
    "certificates": named(AWS_CA_BUNDLE="x.pem"),
    "certificates of others": named(REQUESTS_CA_BUNDLE="x.pem"),
    "empty certificates": Case(known={**SIGNED_IN, "AWS_CA_BUNDLE": ""}, endpoint_url=HERE),
    "empty certificates of others": Case(known={**SIGNED_IN, "REQUESTS_CA_BUNDLE": " "}, endpoint_url=HERE),
    "a role": named(AWS_ROLE_ARN="arn:aws:iam::1:role/x"),
    "a web identity": named(AWS_WEB_IDENTITY_TOKEN_FILE="x"),  # noqa: S106
    "a container": named(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="/x"),
    "models": named(AWS_DATA_PATH="x"),
    "defaults": named(AWS_DEFAULTS_MODE="standard"),
    "something new": named(AWS_SOMETHING_NEW="x"),
    "a plug-in": named(BOTOCORE_EXPERIMENTAL__PLUGINS="x=y"),
    "nobody's profile": named(AWS_PROFILE="nobody"),
    "an empty profile": named(AWS_PROFILE=""),
    "a profile that is none": Case(
        known={"AWS_PROFILE": "DEFAULT"}, credentials=DEFAULT.replace("default", "DEFAULT"), region=LONDON
    ),
    "a default that is in no file": named(AWS_PROFILE="default"),
    "a proxy": Case(known=PROXY, region=LONDON),
    "a proxy in small letters": named(https_proxy="http://proxy.example"),
    "a proxy for all": named(ALL_PROXY="http://proxy.example"),
    "a proxy of HTTP": Case(known=PROXY, endpoint_url=HERE),
    "a proxy for the rest": Case(known={**PROXY, "NO_PROXY": "example.org"}, region=LONDON),
    "no proxy for a bucket": Case(known={**PROXY, "NO_PROXY": f"my-bucket.s3.{LONDON}.amazonaws.com"}, region=LONDON),
    "no region": Case(known=SIGNED_IN),
    "an empty region": Case(known=SIGNED_IN, endpoint_url=HERE, region=""),
    "an empty default region": Case(known={**SIGNED_IN, "AWS_DEFAULT_REGION": ""}, endpoint_url=HERE),
    "a region in China": Case(known=SIGNED_IN, region="cn-north-1"),
    "a government's region": Case(known=SIGNED_IN, region="us-gov-west-1"),
    "a region of another name": Case(known=SIGNED_IN, region="aws-global", endpoint_url=HERE),
    "a FIPS region": Case(known=SIGNED_IN, region="fips-us-east-1", endpoint_url=HERE),
    "a region with a slash": Case(known=SIGNED_IN, region="a/b", endpoint_url=HERE),
    "a bucket with dots": Case(known=SIGNED_IN, region=LONDON, bucket="my.bucket"),
    "an express bucket": Case(known=SIGNED_IN, endpoint_url=HERE, bucket="b--usw2-az1--x-s3"),
    "an access point": Case(known=SIGNED_IN, region=LONDON, bucket="point-1234-s3alias"),
    "an ARN": Case(known=SIGNED_IN, region=LONDON, bucket="arn:aws:s3:eu-west-2:123456789012:accesspoint/x"),
    "capitals": Case(known=SIGNED_IN, endpoint_url=HERE, bucket="Bucket"),
    "a path": Case(known=SIGNED_IN, endpoint_url="https://s3.example/below"),
    "a query": Case(known=SIGNED_IN, endpoint_url="https://s3.example/?x=1"),
    "a password": Case(known=SIGNED_IN, endpoint_url=f"https://me:{CANARY}@s3.example"),
    "another scheme": Case(known=SIGNED_IN, endpoint_url="ftp://s3.example"),
    "no scheme": Case(known=SIGNED_IN, endpoint_url="s3.example"),
    "no address": Case(known=SIGNED_IN, endpoint_url=""),
    "no host name": Case(known=SIGNED_IN, endpoint_url="https://a_b.example"),
    "no port": Case(known=SIGNED_IN, endpoint_url="https://s3.example:99999"),
    "port nought": Case(known=SIGNED_IN, endpoint_url="https://s3.example:0"),
    "acceleration": Case(known=SIGNED_IN, endpoint_url="https://s3-accelerate.amazonaws.com"),
    "an assumed role": configured("[default]\nrole_arn = x\nsource_profile = default\n"),
    "an assumed role with keys": kept(DEFAULT, "[default]\nrole_arn = x\nsource_profile = default\n"),
    "a role beside keys": kept(f"{DEFAULT}role_arn = x\nsource_profile = default\n"),
    "single sign-on": kept(DEFAULT, "[default]\nsso_session = x\nsso_account_id = 1\nsso_role_name = x\n"),
    "a process": kept("[default]\ncredential_process = x\n"),
    "a process in config": kept(DEFAULT, "[default]\ncredential_process = x\n"),
    "keys in config": Case(known={}, config=DEFAULT, region=LONDON),
    "half of the keys": kept("[default]\naws_access_key_id = x\n"),
    "an empty key": kept("[default]\naws_access_key_id =\naws_secret_access_key = s\n"),
    "an older token": kept(f"{DEFAULT}aws_security_token = x\n"),
    "an address in config": configured("[default]\nendpoint_url = http://x\n"),
    "services in config": configured("[default]\nservices = x\n[services x]\ns3 =\n  endpoint_url = http://x\n"),
    "an address beside keys": kept(f"{DEFAULT}endpoint_url = http://x\n"),
    "settings of S3": configured("[default]\ns3 =\n  addressing_style = virtual\n"),
    "certificates in config": configured("[default]\nca_bundle = x\n"),
    "a region of several lines": configured("[default]\nregion =\n  a = b\n"),
    "default by another name": configured("[profile default]\nregion = eu-west-1\n"),
    "default in quotes": configured('[profile "default"]\nrole_arn = x\n'),
    "default with spaces": configured("[profile   default]\nrole_arn = x\n"),
    "default by half a name": configured("[profiles default]\nrole_arn = x\n"),
    "no settings": configured("broken"),
    "no text": configured("\0"),
    "a section twice": configured("[default]\n[default]\n"),
    "a key twice": kept(f"{DEFAULT}aws_secret_access_key = t\n"),
}


@pytest.mark.parametrize("case", LONG.values(), ids=LONG)
def test_what_only_boto3_knows_is_left_to_boto3(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles, other ways to sign in, other addresses and whatever cannot be read never lead to a request."""
    case.put_in_place(tmp_path, monkeypatch)
    with pytest.raises(signed.UncertainError):
        own_request(case)
    where = {"bucket": case.bucket, "key": "k", "endpoint_url": case.endpoint_url, "region": case.region}
    assert signed.get(**where) is None


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="no file here that even its owner cannot read")
def test_a_file_that_cannot_be_read_is_left_to_boto3(tmp_path: Path) -> None:
    """What cannot be read may say anything."""
    known = {**nowhere(tmp_path, **SIGNED_IN), "AWS_CONFIG_FILE": "/proc/self/mem"}
    with pytest.raises(OSError, match="Input/output"):
        signed.prepared("my-bucket", "k", HERE, None, known)
    assert signed.get(bucket="my-bucket", key="k", endpoint_url=HERE, region=None, environment=known) is None


def test_a_file_in_another_encoding_is_left_to_boto3(tmp_path: Path) -> None:
    """What is no text may say anything."""
    (tmp_path / "config").write_bytes(b"[default]\nregion = eu-west-2 \xff\xfe\n")
    assert asked(HERE, tmp_path) is None


TEXT = st.one_of(
    st.text(max_size=12), st.sampled_from(["", HERE, LONDON, "https://s3.example:9", "default", "é", "\ud800"])
)


@given(
    where=st.fixed_dictionaries(
        {
            "bucket": TEXT | st.just("my-bucket"),
            "key": TEXT,
            "endpoint_url": st.none() | TEXT,
            "region": st.none() | TEXT,
        }
    ),
    known=st.dictionaries(st.sampled_from([*sorted(signed._READ_HERE), "HTTPS_PROXY", "no_proxy"]), TEXT),
)
def test_no_text_is_a_crash(where: dict[str, str | None], known: dict[str, str]) -> None:
    """Whatever the settings hold, a request is prepared or left to boto3."""
    try:
        target, credentials, region = signed.prepared(
            **where, environment={"AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": "", **SIGNED_IN, **known}
        )
    except (signed.UncertainError, ValueError):
        return
    for name, value in signed.signed_headers(target, credentials, region, NOW).items():
        assert f"{name}{value}{target.path}".isascii()
        assert f"{name}{value}{target.path}".isprintable()


# Secrets, and what it is all for


def test_no_secret_is_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither what Python prints of a value nor what is logged or written on the way holds a secret."""
    caplog.set_level(logging.DEBUG)
    assert CANARY not in repr(signed.Credentials(access_key="a", secret_key=CANARY, token=CANARY))
    for sent in (GOOD, *ODD.values()):
        with answering(sent) as told:
            asked(told.url, tmp_path, AWS_SESSION_TOKEN=CANARY)
        assert CANARY in told.heads[0]  # where the token belongs, and only there
    for broken in ("\n", "\0", "é", " "):
        assert asked(HERE, tmp_path, AWS_SESSION_TOKEN=CANARY + broken) is None
    written = capfd.readouterr()
    assert CANARY not in caplog.text + written.out + written.err


def test_nothing_slow_is_imported(s3: Seaweed, tmp_path: Path) -> None:
    """Looking at a store imports no boto3, and reading settings imports nothing that only a request needs."""
    look = (
        "import sys\nfrom pathlib import Path\nfrom pipeline import publish\n"
        "from pipeline.model import StorageSettings\n"
        "store = publish.open_store(StorageSettings(url=sys.argv[1], endpoint_url=sys.argv[2]), workspace=Path('.'))\n"
        "print(publish.look(store), [name for name in sys.modules if name.startswith(('boto', 'urllib3'))])"
    )
    shows = (
        "import sys\nbefore = set(sys.modules)\nfrom pipeline.publish import signed\nprint(set(sys.modules) - before)"
    )
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    known.update(environment(s3, tmp_path))

    def run(code: str, *more: str) -> str:
        command = [sys.executable, "-c", code, *more]
        return subprocess.run(command, env=known, capture_output=True, text=True, check=True).stdout

    assert run(look, f"s3://{s3.new_bucket()}", s3.endpoint_url) == "Seen(ledger=None, tag=None, age_s=0.0) []\n"
    imported = run(shows)
    assert "'pipeline.publish.signed'" in imported
    assert not [name for name in ("http.client", "ssl", "configparser", "urllib.request") if f"'{name}'" in imported]
