"""Who may do what with a bucket: seen by strangers, by the publisher, and by one who has just the least rights."""

import copy
import json
import secrets
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from email.message import Message
from fnmatch import fnmatchcase
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from pipeline import publish
from pipeline.build import headers
from pipeline.errors import StorageError
from pipeline.model import StorageSettings
from pipeline.publish import access, bodies
from pipeline.publish.ledger import BLOBS, LEDGER_KEY
from pipeline.publish.store import PROBE
from tests import faulty, seaweed
from tests.seaweed import Seaweed
from tests.stores import FILES, OWNER, build, keys_of, ledger_of, open_bucket, publish_all, roll_back, sign_in
from tests.swift import Swift

SHA256 = "0123456789abcdef" * 4
OWN_KEYS = (LEDGER_KEY, BLOBS + SHA256, f"{BLOBS}{SHA256}-gzip", PROBE, f"{PROBE}-0123456789ab-copy")
MEMBER = "m/0123456789abcdef/"
SITE_KEYS = (
    *FILES,
    *(f"{MEMBER}feed.xml", f"{MEMBER}media/set-0123456789abcdef.mp3", "404.html", "feeds.opml", "feeds/ward.atom"),
    *("feeds/ward.json", "feed/page-2.xml", "robots.txt", "sitemap.xml", "assets/cover-0.png", "assets/icon-0.ico"),
    *("assets/cover-0.jpg", "assets/player-0.js", "media/a-0.m4a", "media/a-0.opus", "oembed/a.json"),
    *("site.webmanifest", "search/2026/wasm.en.pagefind", "search/2026/pagefind.en_0.pf_meta"),
    *("search/2026/index/en_0.pf_index", "search/2026/fragment/en_0.pf_fragment"),
    *("site.webmanifest", "search/2026/wasm.en.pagefind", "search/2026/pagefind.en_0.pf_meta"),
    *("search/2026/index/en_0.pf_index", "search/2026/fragment/en_0.pf_fragment"),
    *("waveforms/a.svg", "transcripts/a.srt", "transcripts/a.json", "transcripts/a.txt", "transcripts/a.html"),
)
LARGE = "media/long-0123456789abcdef.mp3"
STRANGER = "stranger"
PRINCIPAL = {"AWS": f"arn:aws:iam::000000000000:user/{STRANGER}"}
NEEDED = ("s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetObject", "s3:PutObject", "s3:DeleteObject")


def answered(url: str, method: str, headers: dict[str, str]) -> Message:
    """Ask as a page of another site does; return the headers of the answer."""
    with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=10) as answer:
        return answer.headers  # type: ignore[no-any-return]


def status(url: str, method: str = "GET", data: bytes | None = None, **headers: str) -> int:
    """Ask without any credentials, as a browser does."""
    request = urllib.request.Request(url, method=method, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@contextmanager
def client_of(server: Seaweed) -> Iterator[Any]:
    """Lend a client with the publisher's rights."""
    with closing(server.client()) as client:
        yield client


def policy_of(server: Seaweed, bucket: str) -> dict[str, Any]:
    """Read a bucket's policy."""
    with client_of(server) as client:
        return json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])  # type: ignore[no-any-return]


def put_policy(server: Seaweed, bucket: str, document: dict[str, Any]) -> None:
    """Replace a bucket's policy."""
    with client_of(server) as client:
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))


def details(settings: tuple[access.Setting, ...]) -> list[tuple[bool, str]]:
    """Say of each setting whether it is done, and how."""
    return [(setting.is_done, setting.detail) for setting in settings]


# Everybody may read the site, and nothing else


def test_whatever_a_build_writes_has_an_ending_that_is_public() -> None:
    """The endings are those of the build's own table of media types: no kind of file is forgotten, none is added."""
    assert set(access.PUBLIC_ENDINGS) == set(headers._TYPES) | set(headers._FEED_TYPES)
    assert {f".{key.rpartition('.')[2]}" for key in SITE_KEYS} == set(access.PUBLIC_ENDINGS)


@pytest.mark.parametrize("prefix", ["", "pod/"])
def test_nothing_of_the_publishers_own_has_a_public_ending(prefix: str) -> None:
    """No pattern of the policy fits a file of the publisher's own, below the prefix or in a member's part."""
    (statement,) = access.public_read_policy("b", prefix)["Statement"]
    assert statement["Action"] == "s3:GetObject"
    for key in OWN_KEYS:
        for place in (key, MEMBER + key):
            assert not any(fnmatchcase(f"arn:aws:s3:::b/{prefix}{place}", each) for each in statement["Resource"])


@pytest.mark.parametrize("prefix", ["", "pod/"])
@pytest.mark.usefixtures("as_publisher")
def test_everybody_reads_the_site_and_nothing_else(s3: Seaweed, tmp_path: Path, prefix: str) -> None:
    """Strangers read each kind of file; the publisher's own, other prefixes and lists stay shut, and all writing."""
    bucket = s3.new_bucket()
    url = f"{s3.endpoint_url}/{bucket}/"
    with client_of(s3) as client:
        for key in (*SITE_KEYS, *OWN_KEYS, *(MEMBER + key for key in OWN_KEYS)):
            client.put_object(Bucket=bucket, Key=prefix + key, Body=b"content")
        client.put_object(Bucket=bucket, Key="podium/index.html", Body=b"of somebody else")
    publish.configure(open_bucket(s3, bucket, tmp_path, prefix))
    assert {status(url + prefix + key) for key in SITE_KEYS} == {200}
    assert {status(url + prefix + key, "HEAD") for key in SITE_KEYS} == {200}
    assert status(url + prefix + "media/a-0.opus", Range="bytes=0-1") == 206
    assert {status(url + prefix + place + key) for key in OWN_KEYS for place in ("", MEMBER)} == {403}
    assert {status(url + f"?list-type=2&prefix={each}") for each in ("", prefix, prefix + MEMBER)} == {403}
    assert status(url + prefix + "index.html", "PUT", b"vandal") == 403
    assert status(url + prefix + "index.html", "DELETE") == 403
    if prefix:
        assert status(url + "podium/index.html") == 403


@pytest.mark.usefixtures("as_publisher")
def test_the_publisher_goes_on_as_before(s3: Seaweed, site: Path, tmp_path: Path) -> None:
    """Behind the policy, a release is published, kept, brought back and compared; only the site is open."""
    bucket = s3.new_bucket()
    store = open_bucket(s3, bucket, tmp_path, "pod")
    publish.configure(store)
    publish_all(build(site, FILES), site, store)
    publish_all(build(site, {**FILES, "index.html": b"new", "feed.xml": b"<rss>new</rss>"}), site, store)
    roll_back(store, 1)
    assert publish.drift(ledger_of(store), store) == ()
    found = {key: status(f"{s3.endpoint_url}/{bucket}/pod/{key}") for key in (each.key for each in store.listing())}
    assert {key for key, code in found.items() if code == 200} == set(FILES)
    assert {key for key, code in found.items() if code == 403} == {key for key in found if key.startswith("_pub/")}
    assert any(key.startswith(BLOBS) for key in found)
    assert publish.check_access(store) == ()


@pytest.mark.usefixtures("as_publisher")
def test_players_of_other_sites_may_read(s3: Seaweed, tmp_path: Path) -> None:
    """A browser is told that any page may ask for parts of a file, and may see where they belong."""
    bucket = s3.new_bucket()
    with client_of(s3) as client:
        client.put_object(Bucket=bucket, Key="media/a-0.mp3", Body=b"sound")
    publish.configure(open_bucket(s3, bucket, tmp_path))
    url, origin = f"{s3.endpoint_url}/{bucket}/media/a-0.mp3", {"Origin": "https://player.example"}
    asks = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    told = answered(url, "OPTIONS", asks)
    assert told["Access-Control-Allow-Origin"] in ("*", "https://player.example")
    assert "range" in told["Access-Control-Allow-Headers"].lower()
    assert (told["Access-Control-Allow-Methods"], told["Access-Control-Max-Age"]) == ("GET, HEAD", "3600")
    shown = answered(url, "GET", {**origin, "Range": "bytes=0-1"})["Access-Control-Expose-Headers"]
    assert {name.strip() for name in shown.split(",")} == {"Accept-Ranges", "Content-Length", "Content-Range", "ETag"}
    writes = {**asks, "Access-Control-Request-Method": "PUT"}
    assert "Access-Control-Allow-Methods" not in answered(url, "OPTIONS", writes)


# Beside what stands there already


@pytest.mark.usefixtures("as_publisher")
def test_what_others_have_put_there_stays(s3: Seaweed, tmp_path: Path) -> None:
    """Rules of other people stay as they are and where they are, with what their documents say beside them."""
    bucket = s3.new_bucket()
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteBucket",
        "Resource": f"arn:aws:s3:::{bucket}",
    }
    cors = {"ID": "theirs", "AllowedMethods": ["PUT"], "AllowedOrigins": ["https://their.example"]}
    lifecycle = {
        "ID": "theirs",
        "Status": "Enabled",
        "Filter": {"Prefix": "logs/"},
        "Expiration": {"Days": 30},
    }
    put_policy(s3, bucket, {"Version": "2012-10-17", "Id": "theirs", "Statement": statement})
    with client_of(s3) as client:
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [cors]})
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [lifecycle]})
        settings = publish.configure(open_bucket(s3, bucket, tmp_path, "pod"))
        assert details(settings) == [(True, "put in place")] * 3
        statements = policy_of(s3, bucket)["Statement"]
        rules = client.get_bucket_cors(Bucket=bucket)["CORSRules"]
        ends = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert statements == [statement, *access.public_read_policy(bucket, "pod/")["Statement"]]
    assert [rule["ID"] for rule in rules] == ["theirs", "cln-media"]
    assert rules[0]["AllowedOrigins"] == ["https://their.example"]
    assert ends == [lifecycle, *access.lifecycle_rules("pod/")["Rules"]]


def test_a_document_keeps_what_its_owner_wrote_around_the_rules() -> None:
    """The Version and Id of a policy, which change what the rules of others mean, are sent back as they came."""
    theirs = {"Sid": "a", "Effect": "Allow"}
    there: dict[str, Any] = {"Version": "2008-10-17", "Id": "theirs", "Statement": theirs}
    answers = {("GET", "policy"): (200, json.dumps(there))}
    with answering(answers) as server:
        access.configure(server.client(), bucket="bucket", prefix="")
        sent = [json.loads(body) for verb, query, _, body in server.requests if (verb, query) == ("PUT", "policy")]
    (own,) = access.public_read_policy("bucket", "")["Statement"]
    assert sent == [{**there, "Statement": [theirs, own]}]


def test_the_smallest_size_that_rules_of_others_move_is_sent_back() -> None:
    """Dates of their rules, and the setting for all rules, which AWS sets back where it is left out, go back too."""
    rule = (
        "<Rule><ID>theirs</ID><Status>Enabled</Status><Filter><Prefix>a</Prefix></Filter>"
        "<Expiration><Date>2031-01-01T00:00:00.000Z</Date></Expiration></Rule>"
    )
    answers = {("GET", "lifecycle"): (200, f"<LifecycleConfiguration>{rule}</LifecycleConfiguration>")}
    name = "x-amz-transition-default-minimum-object-size"
    with answering(answers, {name: "varies_by_storage_class"}) as server:
        (*_, setting) = access.configure(server.client(), bucket="bucket", prefix="")
        ((headers_sent, body),) = [request[2:] for request in server.requests if request[:2] == ("PUT", "lifecycle")]
    assert headers_sent[name] == "varies_by_storage_class"
    assert "<Date>2031-01-01T00:00:00Z</Date>" in body
    assert json.dumps(setting.document)


@pytest.mark.usefixtures("as_publisher")
def test_sites_in_one_bucket_do_not_replace_each_other(s3: Seaweed, tmp_path: Path) -> None:
    """Prefixes that differ in case or punctuation only have statements and rules of their own."""
    bucket, prefixes = s3.new_bucket(), ("", "pod", "Pod", "po/d", "po-d")
    for prefix in prefixes:
        publish.configure(open_bucket(s3, bucket, tmp_path, prefix))
    statements = policy_of(s3, bucket)["Statement"]
    assert len({statement["Sid"] for statement in statements}) == len(prefixes)
    assert all(statement["Sid"].isalnum() for statement in statements)
    with client_of(s3) as client:
        assert len(client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]) == len(prefixes)
        assert len(client.get_bucket_cors(Bucket=bucket)["CORSRules"]) == 1  # there is one for the whole bucket


@pytest.mark.usefixtures("as_publisher")
def test_a_second_time_nothing_is_written(s3: Seaweed, tmp_path: Path) -> None:
    """What stands there is read, found to be the same, and said to be."""
    bucket = s3.new_bucket()
    publish.configure(open_bucket(s3, bucket, tmp_path, "pod"))
    with faulty.before(s3.endpoint_url) as proxy:
        settings = StorageSettings(url=f"s3://{bucket}/pod", endpoint_url=proxy.endpoint_url)
        done = publish.configure(publish.open_store(settings, workspace=tmp_path))
        asked = [(request.verb, request.query.partition("=")[0]) for request in proxy.requests]
    assert details(done) == [(True, "as it was")] * 3
    assert asked == [("GET", "policy"), ("GET", "cors"), ("GET", "lifecycle")]


@pytest.mark.parametrize("principal", [{"AWS": "*"}, {"AWS": ["*"]}])
@pytest.mark.usefixtures("as_publisher")
def test_a_statement_in_another_spelling_is_the_same(s3: Seaweed, tmp_path: Path, principal: object) -> None:
    """Services that answer with lists of one, in an order of their own, do not make us write it again."""
    bucket = s3.new_bucket()
    document = access.public_read_policy(bucket, "pod/")
    (statement,) = document["Statement"]
    again = {
        **statement,
        "Principal": principal,
        "Action": ["s3:GetObject"],
        "Resource": sorted(statement["Resource"]),
    }
    put_policy(s3, bucket, {**document, "Statement": [again]})
    before = policy_of(s3, bucket)
    assert before != document
    (policy, *_) = publish.configure(open_bucket(s3, bucket, tmp_path, "pod"))
    assert (policy.is_done, policy.detail) == (True, "as it was")
    assert policy_of(s3, bucket) == before


@pytest.mark.usefixtures("as_publisher")
def test_an_older_statement_of_ours_is_replaced(s3: Seaweed, tmp_path: Path) -> None:
    """What an earlier version wrote for this prefix does not stay beside the new one."""
    bucket = s3.new_bucket()
    document = access.public_read_policy(bucket, "pod/")
    (statement,) = document["Statement"]
    put_policy(s3, bucket, {**document, "Statement": [{**statement, "Resource": f"arn:aws:s3:::{bucket}/pod/*"}]})
    (policy, *_) = publish.configure(open_bucket(s3, bucket, tmp_path, "pod"))
    assert (policy.is_done, policy.detail) == (True, "put in place")
    assert policy_of(s3, bucket)["Statement"] == [statement]


# What a service refuses


def test_without_the_rights_it_is_said_which_are_missing(
    s3: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may only read is told what to ask for, with the document for the owner; nothing is changed."""
    bucket = s3.new_bucket()
    sign_in(monkeypatch, s3.reader_access_key, s3.reader_secret_key)
    settings = publish.configure(open_bucket(s3, bucket, tmp_path, "pod"))
    assert [setting.is_done for setting in settings] == [False] * 3
    for setting, right in zip(settings, ("BucketPolicy", "BucketCORS", "LifecycleConfiguration"), strict=True):
        assert f"s3:Get{right} and s3:Put{right}" in setting.detail
        assert "by hand" in setting.detail
    assert settings[0].document == access.public_read_policy(bucket, "pod/")
    assert settings[1].document == access.cors_rules()
    assert settings[2].document == access.lifecycle_rules("pod/")
    with client_of(s3) as client, pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        client.get_bucket_policy(Bucket=bucket)


def test_a_service_that_does_not_know_policies_says_so(
    swift: Swift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real service without policies, CORS and lifecycle rules refuses each, and each is told in a sentence."""
    sign_in(monkeypatch, swift.access_key, swift.secret_key)
    settings = StorageSettings(url=f"s3://{swift.new_bucket()}/pod", endpoint_url=swift.endpoint_url)
    policy, cors, lifecycle = publish.configure(publish.open_store(settings, workspace=tmp_path))
    assert [setting.is_done for setting in (policy, cors, lifecycle)] == [False] * 3
    assert "does not take it" in policy.detail
    assert policy.detail == cors.detail
    assert "does not understand it (MalformedXML)" in lifecycle.detail


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        (
            "AccessDenied",
            "not authorized because public policies are blocked by the BlockPublicPolicy block public access setting.",
            "Block Public Access is on for this bucket or its account; its owner has to allow public policies",
        ),
        ("AccessDenied", "Access Denied", "s3:PutBucketPolicy, or Block Public Access is on; ask the bucket's owner"),
        ("MalformedPolicy", "Policy has invalid resource", "does not understand it (MalformedPolicy)"),
        ("MethodNotAllowed", "", "does not take it"),
        ("NoSuchBucket", "", "there is no such bucket; mend that and try again, or put this document in place"),
        ("Teapot", "", "the store refused PutBucketPolicy (error Teapot, status 400)"),
    ],
)
def test_a_refusal_becomes_a_sentence(code: str, message: str, said: str) -> None:
    """What AWS answers when a policy is written is said in words, and the document keeps the rules of others."""
    theirs = {"Sid": "a", "Effect": "Deny"}
    refused = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    answers = {("GET", "policy"): (200, json.dumps({"Statement": [theirs]})), ("PUT", "policy"): (400, refused)}
    with answering(answers) as server:
        (policy, *others) = access.configure(server.client(), bucket="bucket", prefix="pod/")
    assert not policy.is_done
    assert said in policy.detail
    assert policy.document["Statement"] == [theirs, *access.public_read_policy("bucket", "pod/")["Statement"]]
    assert [other.is_done for other in others] == [True, True]


@pytest.mark.parametrize("policy", ["no policy", "[]"])
def test_what_cannot_be_read_is_not_overwritten(policy: str) -> None:
    """Without the right to see what stands there, or without understanding it, nothing is written over it."""
    refused = "<Error><Code>AccessDenied</Code></Error>"
    answers = {
        ("GET", "policy"): (200, policy),
        ("GET", "cors"): (403, refused),
        ("GET", "lifecycle"): (403, refused),
    }
    with answering(answers) as server:
        settings = access.configure(server.client(), bucket="bucket", prefix="")
        assert [request[0] for request in server.requests] == ["GET"] * 3
    assert [setting.is_done for setting in settings] == [False] * 3
    assert "no document that can be read" in settings[0].detail


@pytest.mark.usefixtures("as_publisher")
def test_a_service_that_cannot_be_reached_is_an_error(tmp_path: Path) -> None:
    """Where nothing listens, the address is named, and nothing is said to be set or not."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        settings = StorageSettings(url="s3://bucket", endpoint_url=endpoint)
        with pytest.raises(StorageError, match=endpoint):
            publish.configure(publish.open_store(settings, workspace=tmp_path))


# The least rights


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Seaweed, str]]:
    """Run a store with one person more, who has no right at all but what a policy gives; lend their secret, too."""
    secret, people = secrets.token_hex(20), seaweed._identities

    def with_a_stranger(store: Seaweed) -> dict[str, object]:
        stranger = {"name": STRANGER, "credentials": [{"accessKey": STRANGER, "secretKey": secret}], "actions": []}
        found: Any = people(store)
        return {"identities": [*found["identities"], stranger]}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seaweed, "_identities", with_a_stranger)
        with seaweed.start(tmp_path_factory.mktemp("strict")) as store:
            yield store, secret


@pytest.fixture
def as_stranger(strict: tuple[Seaweed, str], monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    """Sign in as the one without rights."""
    sign_in(monkeypatch, STRANGER, strict[1])
    return strict[0]


def give(server: Seaweed, bucket: str, rights: dict[str, Any], *, without: str = "") -> None:
    """Give the stranger `rights` in a bucket, but one."""
    document = copy.deepcopy(rights)
    for statement in document["Statement"]:
        statement["Principal"] = PRINCIPAL
        statement["Action"] = [action for action in statement["Action"] if action != without]
    document["Statement"] = [statement for statement in document["Statement"] if statement["Action"]]
    put_policy(server, bucket, document)


def work(server: Seaweed, bucket: str, tmp_path: Path) -> None:
    """Do all that publishing does: try, send, replace, change headers, remove, go back, compare, clear away."""
    site, store = tmp_path / "site", open_bucket(server, bucket, tmp_path, "pod")
    with client_of(server) as client:
        client.create_multipart_upload(Bucket=bucket, Key=f"pod/{LARGE}")  # left behind by a run that was killed
        publish_all(build(site, FILES), site, store)
        less = {key: data for key, data in FILES.items() if not key.startswith("chapters/")}
        publish_all(build(site, {**less, LARGE: b"sound" * 1_300_000, "index.html": b"new"}), site, store)
        roll_back(store, 1)
        release = build(site, FILES)
        inline = tuple(replace(each, disposition="inline") for each in release.assets)
        publish_all(replace(release, assets=inline), site, store)
        assert publish.drift(ledger_of(store), store) == ()
        assert publish.deep_drift(ledger_of(store), store) == ()
        assert publish.check_access(store) == ()
        if client.list_multipart_uploads(Bucket=bucket, Prefix="pod/").get("Uploads"):
            raise StorageError("an upload was left behind", source=bucket)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files sent in parts that are small enough for a test."""
    monkeypatch.setattr(bodies, "SINGLE_PUT_BYTES", 6_000_000)
    monkeypatch.setattr(bodies, "PART_BYTES", 5 << 20)


@pytest.mark.usefixtures("in_parts")
def test_the_least_rights_are_enough(as_stranger: Seaweed, tmp_path: Path) -> None:
    """One who has just these rights does all that publishing does."""
    bucket = as_stranger.new_bucket()
    give(as_stranger, bucket, access.least_rights(bucket, "pod/"))
    work(as_stranger, bucket, tmp_path)


@pytest.mark.parametrize("right", NEEDED)
@pytest.mark.usefixtures("in_parts")
def test_each_right_is_needed(as_stranger: Seaweed, tmp_path: Path, right: str) -> None:
    """Without any one of them, something of publishing fails."""
    bucket = as_stranger.new_bucket()
    give(as_stranger, bucket, access.least_rights(bucket, "pod/"), without=right)
    with pytest.raises(StorageError):
        work(as_stranger, bucket, tmp_path)


@pytest.mark.parametrize("right", ["", "s3:ListBucketVersions", "s3:GetObjectVersion", "s3:DeleteObjectVersion"])
def test_the_rights_on_versions_take_an_episode_out(as_stranger: Seaweed, tmp_path: Path, right: str) -> None:
    """With them, no version of an episode is left in a bucket that keeps versions; without one, it says which."""
    bucket, site = as_stranger.new_bucket(), tmp_path / "site"
    give(as_stranger, bucket, access.least_rights(bucket, "pod/"), without=right)
    store, doomed = open_bucket(as_stranger, bucket, tmp_path, "pod"), keys_of("choose-and-book")
    with client_of(as_stranger) as client:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for name in ("a", "b"):  # not ours: whose it is has to be looked at
            client.put_object(Bucket=bucket, Key="pod/theirs.txt", Body=name.encode())
        publish_all(build(site, FILES), site, store)
        publish_all(build(site, {key: data for key, data in FILES.items() if not doomed(key)}), site, store)
        if right:
            with pytest.raises(StorageError, match="the earlier versions in the bucket may not be") as caught:
                publish.erase(store, doomed=doomed, owner=OWNER)
            assert right in (caught.value.hint or "")
            is_there = store.head("media/choose-and-book-0123456789abcdef.mp3") is not None
            assert is_there == (right != "s3:DeleteObjectVersion")  # which only the removal itself can miss
        else:
            assert publish.erase(store, doomed=doomed, owner=OWNER).versions == "removed"
            assert publish.remains(store, doomed) == ()


def test_the_least_rights_open_nothing_else(strict: tuple[Seaweed, str]) -> None:
    """Other prefixes and other buckets, the list of all, and how the bucket is set up, stay shut."""
    server, secret = strict
    bucket, other = server.new_bucket(), server.new_bucket()
    give(server, bucket, access.least_rights(bucket, "pod/"))
    with client_of(server) as client:
        client.put_object(Bucket=bucket, Key="podium/a", Body=b"of somebody else")
    theirs = boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=STRANGER,
        aws_secret_access_key=secret,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    asked: tuple[Callable[[], object], ...] = (
        *(
            partial(ask, Bucket=bucket, Key="podium/a")
            for ask in (theirs.get_object, theirs.put_object, theirs.delete_object, theirs.create_multipart_upload)
        ),
        partial(theirs.put_object, Bucket=other, Key="pod/a"),
        partial(theirs.list_objects_v2, Bucket=bucket),
        partial(theirs.list_objects_v2, Bucket=bucket, Prefix="podium/"),
        partial(theirs.get_bucket_policy, Bucket=bucket),
        partial(theirs.put_bucket_policy, Bucket=bucket, Policy=json.dumps(access.public_read_policy(bucket, ""))),
        partial(theirs.put_bucket_cors, Bucket=bucket, CORSConfiguration=access.cors_rules()),
        partial(theirs.delete_bucket, Bucket=bucket),
    )
    with closing(theirs):
        assert theirs.list_objects_v2(Bucket=bucket, Prefix="pod/")["KeyCount"] == 0
        for ask in asked:
            with pytest.raises(ClientError, match="AccessDenied"):
                ask()


def test_the_rights_to_configure_are_enough(as_stranger: Seaweed, tmp_path: Path) -> None:
    """With the second part of the rights, all three settings are put in place, and found there again."""
    bucket = as_stranger.new_bucket()
    give(as_stranger, bucket, access.least_rights(bucket, "pod/", configuring=True))
    store = open_bucket(as_stranger, bucket, tmp_path, "pod")
    assert details(publish.configure(store)) == [(True, "put in place")] * 3
    assert details(publish.configure(store)) == [(True, "as it was")] * 3


def test_what_is_asked_for_beyond_the_bucket_stands_in_the_rights() -> None:
    """A key that encrypts and a distribution add what they need; without a prefix the whole bucket may be listed."""
    rights = access.least_rights("b", "", kms_key="arn:aws:kms:eu-west-2:1:key/x", cloudfront="E1")
    statements = {statement["Sid"]: statement for statement in rights["Statement"]}
    assert statements["UseTheKey"]["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert statements["UseTheKey"]["Resource"] == "arn:aws:kms:eu-west-2:1:key/x"
    assert statements["TellTheDistribution"]["Action"] == ["cloudfront:CreateInvalidation"]
    assert statements["TellTheDistribution"]["Resource"] == "arn:aws:cloudfront::*:distribution/E1"
    assert "Condition" not in statements["ListTheSite"]
    assert "ConfigureTheBucket" not in statements
    assert {statement["Effect"] for statement in rights["Statement"]} == {"Allow"}
    plain = access.least_rights("b", "pod/")["Statement"]
    assert [statement["Resource"] for statement in plain] == [
        "arn:aws:s3:::b",
        "arn:aws:s3:::b",
        "arn:aws:s3:::b/pod/*",
        "arn:aws:s3:::b",
        "arn:aws:s3:::b/pod/*",
    ]
    assert plain[3]["Condition"] == plain[0]["Condition"]
    assert plain[0]["Condition"] == {"StringLike": {"s3:prefix": ["pod/*"]}}


# A service that answers as a test wants: what AWS says cannot be had here


class Service(ThreadingHTTPServer):
    """Answers each verb and query as told, 404 what is not there, 200 what is written; notes what it was sent."""

    answers: dict[tuple[str, str], tuple[int, str]]
    more: dict[str, str]
    requests: list[tuple[str, str, dict[str, str], str]]
    clients: list[Any]

    def client(self) -> Any:
        """Make a client for it."""
        made = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.server_port}",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106  nobody's
            config=Config(s3={"addressing_style": "path"}),
        )
        self.clients.append(made)
        return made


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_GET(self) -> None:
        """Answer a question."""
        query = self.path.partition("?")[2]
        kind = {"policy": "NoSuchBucketPolicy", "cors": "NoSuchCORSConfiguration"}.get(
            query, "NoSuchLifecycleConfiguration"
        )
        self._answer("GET", query, (404, f"<Error><Code>{kind}</Code></Error>"))

    def do_PUT(self) -> None:
        """Answer what is to be written."""
        self._answer("PUT", self.path.partition("?")[2], (200, ""))

    def _answer(self, verb: str, query: str, otherwise: tuple[int, str]) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.requests.append((verb, query, {name.lower(): value for name, value in self.headers.items()}, body))
        code, text = self.server.answers.get((verb, query), otherwise)
        self.send_response(code)
        self.send_header("Content-Length", str(len(text.encode())))
        for name, value in self.server.more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(answers: dict[tuple[str, str], tuple[int, str]], more: dict[str, str] | None = None) -> Iterator[Service]:
    """Run a service that answers as told; `more`: headers of every answer."""
    with Service(("127.0.0.1", 0), _Answer) as server:
        server.answers, server.more, server.requests, server.clients = answers, more or {}, [], []
        running = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        running.start()
        try:
            yield server
        finally:
            for client in server.clients:
                client.close()
            server.shutdown()
            running.join()
