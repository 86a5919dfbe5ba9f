"""The second store of these tests: that it is a real one, and what it answers where stores differ."""

import base64
import dataclasses
import hashlib
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests import swift as swift_store
from tests.swift import Swift

KEY, DATA = "media/été 1.mp3", b"sound" * 1_000


@pytest.fixture
def client(swift: Swift) -> Iterator[Any]:
    """Lend a client with the publisher's rights."""
    with closing(swift.client()) as lent:
        yield lent


@pytest.fixture
def bucket(swift: Swift) -> str:
    """Create an empty bucket."""
    return swift.new_bucket()


def read(client: Any, bucket: str) -> bytes:
    """Read what the bucket holds under the one key of these tests."""
    with closing(client.get_object(Bucket=bucket, Key=KEY)["Body"]) as body:
        data: bytes = body.read()
    return data


def refused(request: Any, **values: object) -> tuple[int, str]:
    """Send what is refused, and tell with which status and code."""
    with pytest.raises(ClientError) as caught:
        request(**values)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def keys(client: Any, bucket: str) -> list[str]:
    """List the bucket."""
    return [listed["Key"] for listed in client.list_objects_v2(Bucket=bucket).get("Contents", ())]


def in_base64(digest: bytes) -> str:
    """Write a digest as headers hold it."""
    return base64.b64encode(digest).decode()


def test_what_is_put_is_held_and_listed_until_deleted(client: Any, bucket: str) -> None:
    """An object comes back with its bytes, headers and metadata, is listed at once, and is gone once deleted."""
    given = {"ContentType": "audio/mpeg", "CacheControl": "max-age=300", "Metadata": {"sha256": "0a"}}
    client.put_object(Bucket=bucket, Key=KEY, Body=DATA, **given)
    assert read(client, bucket) == DATA
    assert client.head_object(Bucket=bucket, Key=KEY).items() >= {**given, "ContentLength": len(DATA)}.items()
    assert keys(client, bucket) == [KEY]
    client.delete_object(Bucket=bucket, Key=KEY)
    assert keys(client, bucket) == []
    assert refused(client.get_object, Bucket=bucket, Key=KEY) == (404, "NoSuchKey")


def test_ranges_are_answered(client: Any, bucket: str) -> None:
    """Players ask for parts of a recording."""
    client.put_object(Bucket=bucket, Key=KEY, Body=DATA)
    answer = client.get_object(Bucket=bucket, Key=KEY, Range="bytes=3-6")
    with closing(answer["Body"]) as body:
        assert body.read() == DATA[3:7]
    assert answer["ContentRange"] == f"bytes 3-6/{len(DATA)}"


def test_strangers_are_refused(swift: Swift, bucket: str) -> None:
    """A wrong secret and an unknown name are refused, and nothing is stored."""
    for stranger in (
        dataclasses.replace(swift, secret_key="guessed"),  # noqa: S106  the wrong one
        dataclasses.replace(swift, access_key="cln:nobody"),
    ):
        with closing(stranger.client()) as client:
            answer = refused(client.put_object, Bucket=bucket, Key=KEY, Body=DATA)
            assert answer == (403, "SignatureDoesNotMatch")
    with closing(swift.client()) as client:
        assert keys(client, bucket) == []


def test_nobody_reads_without_signing(swift: Swift, client: Any, bucket: str) -> None:
    """Neither of its two interfaces hands out an object unsigned; a signed URL does."""
    client.put_object(Bucket=bucket, Key="index.html", Body=DATA)
    for path, status in ((f"{bucket}/index.html", 400), (f"v1/AUTH_cln/{bucket}/index.html", 401)):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{swift.endpoint_url}/{path}", timeout=10)
        with caught.value as answer:
            assert answer.status == status
    signed = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "index.html"})
    with urllib.request.urlopen(signed, timeout=10) as answer:
        assert answer.read() == DATA


@pytest.mark.parametrize(
    "digest",
    [
        {"ContentMD5": in_base64(hashlib.md5(b"other", usedforsecurity=False).digest())},
        {"ChecksumSHA256": in_base64(hashlib.sha256(b"other").digest())},
    ],
    ids=lambda digest: next(iter(digest)),
)
def test_damaged_bytes_are_refused(digest: dict[str, str], client: Any, bucket: str) -> None:
    """Bytes other than those announced, by MD5 or by SHA-256, are not stored."""
    assert refused(client.put_object, Bucket=bucket, Key=KEY, Body=DATA, **digest) == (400, "BadDigest")
    assert keys(client, bucket) == []


def test_a_checksum_is_not_answered(client: Any, bucket: str) -> None:
    """A right SHA-256 is accepted, and cannot be asked for later."""
    sha256 = in_base64(hashlib.sha256(DATA).digest())
    put = client.put_object(Bucket=bucket, Key=KEY, Body=DATA, ChecksumSHA256=sha256)
    head = client.head_object(Bucket=bucket, Key=KEY, ChecksumMode="ENABLED")
    for answer in (put, head):
        assert not [name for name in answer["ResponseMetadata"]["HTTPHeaders"] if "checksum" in name]


def test_the_etag_is_the_md5(client: Any, bucket: str) -> None:
    """An object sent at once has its MD5 as ETag, which is how bytes are compared where no checksum is answered."""
    md5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    assert client.put_object(Bucket=bucket, Key=KEY, Body=DATA)["ETag"] == f'"{md5}"'
    assert client.head_object(Bucket=bucket, Key=KEY)["ETag"] == f'"{md5}"'


def test_only_what_is_new_can_be_made_a_condition(client: Any, bucket: str) -> None:
    """If-None-Match:* stores a new object and refuses an existing one; If-Match is refused, right or wrong."""
    tag = client.put_object(Bucket=bucket, Key=KEY, Body=DATA, IfNoneMatch="*")["ETag"]
    put = {"Bucket": bucket, "Key": KEY, "Body": b"other"}
    assert refused(client.put_object, **put, IfNoneMatch="*") == (412, "PreconditionFailed")
    for condition in (tag, f'"{"0" * 32}"'):
        assert refused(client.put_object, **put, IfMatch=condition) == (501, "NotImplemented")
    assert read(client, bucket) == DATA


def test_policies_and_origins_cannot_be_set(client: Any, bucket: str) -> None:
    """Neither a policy nor rules for other origins can be given to a bucket."""
    assert refused(client.put_bucket_policy, Bucket=bucket, Policy="{}") == (501, "NotImplemented")
    rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    assert refused(client.put_bucket_cors, Bucket=bucket, CORSConfiguration=rules) == (501, "NotImplemented")


def test_an_object_in_parts_appears_when_completed(client: Any, bucket: str) -> None:
    """Parts are not listed until they are completed; then they are one object, which If-None-Match:* protects."""
    assert in_parts(client, bucket)["ETag"].endswith('-2"')
    assert read(client, bucket) == DATA
    assert keys(client, bucket) == [KEY]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        in_parts(client, bucket, IfNoneMatch="*")


def in_parts(client: Any, bucket: str, **condition: str) -> dict[str, Any]:
    """Send an object in two parts, watching that the listing does not change before the end."""
    before = keys(client, bucket)
    upload = {"Bucket": bucket, "Key": KEY}
    upload["UploadId"] = client.create_multipart_upload(**upload, ContentType="audio/mpeg")["UploadId"]
    parts = [
        {"PartNumber": number, "ETag": client.upload_part(**upload, PartNumber=number, Body=data)["ETag"]}
        for number, data in ((1, DATA[:3_000]), (2, DATA[3_000:]))
    ]
    assert keys(client, bucket) == before
    done: dict[str, Any] = client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **condition)
    return done


def test_it_ends_with_its_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens once it has ended; where files cannot have attributes, it keeps objects without them."""
    monkeypatch.setattr(swift_store, "_keeps_attributes", lambda _: False)
    with swift_store.start(tmp_path / "store") as store, closing(store.client()) as client:
        bucket = store.new_bucket()
        in_parts(client, bucket)
        assert read(client, bucket) == DATA
    assert not list(tmp_path.glob("store/devices/d1/objects/**/*.data"))
    address = urlsplit(store.endpoint_url)
    with socket.socket() as caller:
        assert caller.connect_ex((address.hostname, address.port)) != 0


def test_it_says_why_it_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the servers' own log is in the error."""
    monkeypatch.setattr(swift_store, "_PIPELINE", swift_store._PIPELINE.replace("slo", "slow"))
    with pytest.raises(RuntimeError, match=r"(?s)Swift did not start.*slow"), swift_store.start(tmp_path / "store"):
        pass
