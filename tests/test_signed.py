"""Reading an object without boto3: as boto3 would, or not at all."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from pipeline.publish import signed
from tests.seaweed import Seaweed

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
CANARY = "canary5ecret+with/slash"
KEYS = ["plain.txt", "with space.txt", "a+b%20c.txt", "é/日本.txt", "a&b=c;d~e.txt", "(1)!*'.txt"]


def environment(s3: Seaweed, tmp_path: Path, **more: str) -> dict[str, str]:
    """Say what this machine knows: the publisher's key, and no files."""
    return {
        "AWS_ACCESS_KEY_ID": s3.access_key,
        "AWS_SECRET_ACCESS_KEY": s3.secret_key,
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        **more,
    }


def fetch(s3: Seaweed, bucket: str, key: str, known: Mapping[str, str]) -> signed.Answer | None:
    """Fetch an object of the real store."""
    return signed.get(bucket=bucket, key=key, endpoint_url=s3.endpoint_url, region="us-east-1", environment=known)


@pytest.mark.parametrize("key", KEYS)
def test_an_object_reads_as_boto3_reads_it(s3: Seaweed, tmp_path: Path, key: str) -> None:
    """Content and ETag are boto3's, whatever is in the key, and the age is that of the object."""
    bucket, client = s3.new_bucket(), s3.client()
    client.put_object(Bucket=bucket, Key=key, Body=b"content \x00\xff")
    expected = client.get_object(Bucket=bucket, Key=key)
    answer = fetch(s3, bucket, key, environment(s3, tmp_path))
    assert answer is not None
    assert (answer.is_there, answer.data, answer.tag) == (True, expected["Body"].read(), expected["ETag"])
    assert 0 <= answer.age_s < 30
    client.close()


def test_what_is_not_there_is_told_from_what_cannot_be_read(s3: Seaweed, tmp_path: Path) -> None:
    """A missing key is an answer; a missing bucket, a wrong secret and a closed port are questions for boto3."""
    bucket, known = s3.new_bucket(), environment(s3, tmp_path)
    assert fetch(s3, bucket, "missing", known) == signed.Answer(is_there=False)
    assert fetch(s3, "no-such-bucket", "missing", known) is None
    assert fetch(s3, bucket, "missing", {**known, "AWS_SECRET_ACCESS_KEY": CANARY}) is None
    assert (
        signed.get(bucket=bucket, key="x", endpoint_url="http://127.0.0.1:9", region="us-east-1", environment=known)
        is None
    )


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """Serve one answer to every request."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (301, b"", {"Location": "http://127.0.0.1:9/"}),
        (403, b"<Error><Code>AccessDenied</Code></Error>", {}),
        (404, b"<Error><Code>NoSuchBucket</Code></Error>", {}),
        (500, b"", {}),
        (503, b"<Error><Code>SlowDown</Code></Error>", {}),
        (200, b"half", {"Content-Length": "8"}),
    ],
)
def test_any_other_answer_is_left_to_boto3(
    s3: Seaweed, tmp_path: Path, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """Redirects, refusals, faults and cut bodies have their sentences elsewhere."""
    with answering(status, body, **headers) as endpoint:
        assert (
            signed.get(bucket="b", key="k", endpoint_url=endpoint, region=None, environment=environment(s3, tmp_path))
            is None
        )


@pytest.mark.parametrize(
    "more",
    [
        {"AWS_ACCESS_KEY_ID": ""},
        {"AWS_PROFILE": "other"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_ROLE_ARN": "arn:aws:iam::1:role/x"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"},
    ],
)
def test_what_only_boto3_knows_is_left_to_boto3(s3: Seaweed, tmp_path: Path, more: dict[str, str]) -> None:
    """Profiles, roles, bundles of certificates and special addresses are boto3's business."""
    bucket = s3.new_bucket()
    assert fetch(s3, bucket, "missing", environment(s3, tmp_path)) is not None
    assert fetch(s3, bucket, "missing", environment(s3, tmp_path, **more)) is None


@pytest.mark.parametrize(
    "config",
    ["[default]\nrole_arn = x\n", "[default]\nendpoint_url = http://x\n", "[default]\nca_bundle = x\n", "broken", "\0"],
)
def test_settings_files_that_say_more_are_left_to_boto3(s3: Seaweed, tmp_path: Path, config: str) -> None:
    """A file that names a role, an address or a certificate, or that cannot be read, ends the short way."""
    (tmp_path / "config").write_text(config)
    assert fetch(s3, s3.new_bucket(), "missing", environment(s3, tmp_path)) is None


def test_keys_of_a_profile_are_used(s3: Seaweed, tmp_path: Path) -> None:
    """Static keys in the shared credentials file serve as they do for boto3, also under a profile of another name."""
    keys = f"aws_access_key_id = {s3.access_key}\naws_secret_access_key = {s3.secret_key}\n"
    (tmp_path / "credentials").write_text(f"[default]\n{keys}[other]\n{keys}[sso]\nsso_session = x\n")
    known = environment(s3, tmp_path)
    del known["AWS_ACCESS_KEY_ID"], known["AWS_SECRET_ACCESS_KEY"]
    bucket = s3.new_bucket()
    for profile in ({}, {"AWS_PROFILE": "other"}):
        assert fetch(s3, bucket, "missing", {**known, **profile}) == signed.Answer(is_there=False)
    for profile in ({"AWS_PROFILE": "sso"}, {"AWS_PROFILE": "nobody"}):
        assert fetch(s3, bucket, "missing", {**known, **profile}) is None


def test_amazons_own_address_needs_a_region_and_a_plain_bucket() -> None:
    """Without an endpoint the address is Amazon's, and only where nothing about it is doubtful."""
    address = "https://my-bucket.s3.eu-west-2.amazonaws.com/pod/x%20y"
    assert signed._address("my-bucket", "pod/x y", None, "eu-west-2") == address
    assert signed._address("my.bucket", "x", None, "eu-west-2") is None
    assert signed._address("my-bucket", "x", None, None) is None
    assert signed._address("my-bucket", "x", None, "cn-north-1") is None
    assert signed._address("b-1", "x", "https://s3.example:443", None) == "https://s3.example/b-1/x"
    assert signed._address("b-1", "x", "https://s3.example/below", None) is None


def botos_signature(address: str, credentials: signed.Credentials, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sign the same request with botocore, at the same time."""

    class Fixed(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "datetime":
            return NOW.replace(tzinfo=None) if tz is None else NOW

        @classmethod
        def utcnow(cls) -> "datetime":
            return NOW.replace(tzinfo=None)

    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None))  # noqa: ARG005
    request = AWSRequest(method="GET", url=address, headers={})
    request.context["client_config"] = Config(s3={"payload_signing_enabled": True})
    request.context["payload_signing_enabled"] = True
    known = BotoCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    S3SigV4Auth(known, "s3", "eu-west-2").add_auth(request)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize("token", [None, "a/token+with=signs"])
@pytest.mark.parametrize("host", ["http://127.0.0.1:8333/bucket", "https://my-bucket.s3.eu-west-2.amazonaws.com"])
@pytest.mark.parametrize("key", KEYS)
def test_the_signature_is_botocores(host: str, key: str, token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the same moment both sign with the same text, with and without a session's token."""
    address = f"{host}/{quote(key, safe='/~')}"
    credentials = signed.Credentials(access_key="AKIDEXAMPLE", secret_key=CANARY, token=token)
    mine = signed.signed_headers(address, credentials, "eu-west-2", NOW)
    assert mine["Authorization"] == botos_signature(address, credentials, monkeypatch)
    assert ("x-amz-security-token" in mine) is (token is not None)


@given(st.text(min_size=1, max_size=40))
def test_any_key_is_encoded_as_boto3_encodes_it(key: str) -> None:
    """Whatever a key holds, the path is the one that botocore would ask for."""
    from botocore.utils import percent_encode  # noqa: PLC0415

    try:
        key.encode()
    except UnicodeEncodeError:
        return
    assert signed._address("b", key, "http://x", None) == f"http://x/b/{percent_encode(key, safe='/~')}"


def test_nothing_slow_is_imported_and_no_secret_shown(s3: Seaweed, tmp_path: Path) -> None:
    """Looking at a store imports no boto3; credentials do not show in what Python prints of them."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom pipeline import publish\n"
        "from pipeline.model import StorageSettings\n"
        "store = publish.open_store(StorageSettings(url=sys.argv[1], endpoint_url=sys.argv[2]), workspace=Path('.'))\n"
        "print(publish.look(store), [name for name in sys.modules if name.startswith('boto')])"
    )
    known = {**os.environ, **environment(s3, tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", code, f"s3://{s3.new_bucket()}", s3.endpoint_url],
        env=known,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "Seen(ledger=None, tag=None, age_s=0.0) []\n"
    assert CANARY not in repr(signed.Credentials(access_key="a", secret_key=CANARY, token=CANARY))
