"""The fault proxy itself: it passes all as it is, counts, tells, and does the harm that it was asked for, no other."""

import hashlib
import http.client
import itertools
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests import faulty
from tests.faulty import Cut, Fault, Faulty, Request
from tests.seaweed import Seaweed

BODY = random.Random(7).randbytes(20_001)  # noqa: S311  no secret
FAIR = "HTTP/1.1 200 OK\r\n"
IN_CHUNKS = f"{FAIR}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n".encode()
CHUNKS = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"


class Place:
    """A bucket of the real store, seen straight and through the proxy."""

    def __init__(self, s3: Seaweed, proxy: Faulty) -> None:
        self.proxy, self.bucket = proxy, s3.new_bucket()
        self.straight, self.through = s3.client(), replace(s3, endpoint_url=proxy.endpoint_url).client()

    def ask(self, verb: str, key: str, body: Any = None) -> tuple[int, bytes]:
        """Make one request through the proxy, with a connection of its own and no second attempt."""
        action = {"GET": "get_object", "PUT": "put_object", "HEAD": "head_object", "DELETE": "delete_object"}[verb]
        url = urlsplit(self.through.generate_presigned_url(action, Params={"Bucket": self.bucket, "Key": key}))
        assert url.hostname
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
        try:
            connection.request(verb, f"{url.path}?{url.query}", body)
            with connection.getresponse() as answer:
                return answer.status, answer.read()
        finally:
            connection.close()

    def put(self, key: str, body: bytes = BODY) -> None:
        """Put an object there, not through the proxy."""
        self.straight.put_object(Bucket=self.bucket, Key=key, Body=body)

    def held(self) -> dict[str, bytes]:
        """Read all that the store holds."""
        found = self.straight.list_objects_v2(Bucket=self.bucket).get("Contents", ())
        return {each["Key"]: self.read(each["Key"]) for each in found}

    def read(self, key: str) -> bytes:
        """Read an object, not through the proxy."""
        body: bytes = self.straight.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body


@pytest.fixture
def place(s3: Seaweed) -> Iterator[Place]:
    """Stand a proxy before the real store."""
    with faulty.before(s3.endpoint_url, stall_s=0.2) as proxy:
        place = Place(s3, proxy)
        yield place
        place.straight.close()
        place.through.close()


@contextmanager
def answering(*answers: bytes, reads: int = 0) -> Iterator[tuple[str, list[bytes]]]:
    """Run a bare server: to each connection one answer, once the head and `reads` bytes are in, then it closes."""
    got: list[bytes] = []

    def serve() -> None:
        with suppress(OSError):
            for answer in itertools.cycle(answers):
                with listener.accept()[0] as end:
                    end.settimeout(10)
                    data = b""
                    with suppress(ConnectionResetError):
                        while (b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < reads) and (
                            more := end.recv(65_536)
                        ):
                            data += more
                        end.sendall(answer)
                    got.append(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", got
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def call(proxy: Faulty) -> socket.socket:
    """Connect to the proxy, as a client without any library."""
    return socket.create_connection(("127.0.0.1", urlsplit(proxy.endpoint_url).port or 0), 10)


def bare(proxy: Faulty, request: bytes = b"GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n") -> bytes:
    """Send bytes and read bytes until the connection ends; a reset raises."""
    with call(proxy) as end:
        end.sendall(request)
        return b"".join(iter(lambda: end.recv(65_536), b""))


def always(fault: Fault) -> Callable[[Request], Fault]:
    """Decide the same for every request."""
    return lambda _: fault


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, five seconds at most."""
    last = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < last
        time.sleep(0.01)


def content(chunks: bytes) -> bytes:
    """Take the content out of a body in chunks with one line of trailer."""
    sizes_and_pieces, end, trailer = chunks.partition(b"0\r\nX-Sum: 1\r\n\r\n")
    assert (end, trailer) != (b"", b"")
    return b"".join(sizes_and_pieces.split(b"\r\n")[1::2])


def differing_bits(one: bytes, other: bytes) -> int:
    """Count the bits that differ in two texts of one length."""
    assert len(one) == len(other)
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


# Without harm


def test_what_passes_arrives_as_it_is(place: Place) -> None:
    """Objects, also empty ones, with odd names, or sent in chunks, arrive as they are, up and down."""
    bodies = {"a b/c+d&é%41.html": BODY, "empty": b"", "one": b"1"}
    for key, body in bodies.items():
        place.through.put_object(Bucket=place.bucket, Key=key, Body=body)
    assert place.ask("PUT", "in chunks", iter([BODY[:1], BODY[1:70], BODY[70:]]))[0] == 200
    bodies["in chunks"] = BODY
    assert place.held() == bodies
    for key, body in bodies.items():
        assert place.ask("GET", key) == (200, body)
        assert place.ask("HEAD", key) == (200, b"")
    assert place.ask("DELETE", "one") == (204, b"")
    assert place.ask("GET", "one")[0] == 404
    assert "one" not in place.held()


def test_requests_are_counted_in_order(place: Place) -> None:
    """Each request is counted once: verb, key, query, headers, size; a reset begins anew."""
    key = "a b/c+d&é%41.html"
    place.through.put_object(Bucket=place.bucket, Key=key, Body=BODY, CacheControl="no-cache")
    place.through.head_object(Bucket=place.bucket, Key=key)
    place.through.list_objects_v2(Bucket=place.bucket, Prefix="a b")
    put, head, listing = place.proxy.requests
    assert [put.number, head.number, listing.number] == [1, 2, 3]
    assert (put.verb, put.key, put.query, put.size) == ("PUT", key, "", len(BODY))
    assert (put.headers["cache-control"], put.headers["expect"], put.moment) == ("no-cache", "100-continue", "before")
    assert (head.verb, head.key, head.size) == ("HEAD", key, 0)
    assert (listing.verb, listing.key, listing.query) == ("GET", "", "list-type=2&prefix=a%20b&encoding-type=url")
    assert len(BODY) < place.proxy.bytes_up < len(BODY) + 5_000
    assert 0 < place.proxy.bytes_down < 5_000
    place.proxy.reset()
    assert (place.proxy.requests, place.proxy.bytes_up, place.proxy.bytes_down) == ([], 0, 0)
    place.through.get_object(Bucket=place.bucket, Key=key)["Body"].read()
    assert [request.number for request in place.proxy.requests] == [1]
    assert len(BODY) < place.proxy.bytes_down < len(BODY) + 5_000


def test_a_large_file_arrives_byte_for_byte(place: Place, tmp_path: Path) -> None:
    """60 MB go up and down unchanged, watched or not."""
    path, chunk = tmp_path / "large", BODY * 53
    path.write_bytes(b"".join(chunk[number:] + chunk[:number] for number in range(60))[: 60 << 20])
    for watcher in (None, lambda _: None):
        place.proxy.watch(watcher)
        with path.open("rb") as file:
            place.through.put_object(Bucket=place.bucket, Key="large", Body=file)
        found = hashlib.sha256()
        for piece in place.through.get_object(Bucket=place.bucket, Key="large")["Body"].iter_chunks(1 << 20):
            found.update(piece)
        assert found.digest() == hashlib.sha256(path.read_bytes()).digest()
    assert [request.size for request in place.proxy.requests] == [60 << 20, 0] * 2


def test_waiting_for_100_continue_costs_nothing(place: Place) -> None:
    """A client that asks before it sends its body is told to go on, well before its patience of a second ends."""
    took = []
    for _ in range(3):
        started = time.monotonic()
        place.through.put_object(Bucket=place.bucket, Key="k", Body=BODY)
        took.append(time.monotonic() - started)
    assert min(took) < 0.9  # the others may have met a busy machine
    assert place.proxy.requests[0].headers["expect"] == "100-continue"
    with call(place.proxy) as end:
        end.sendall(b"PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert end.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        end.sendall(b"hello")
        assert end.recv(100).startswith(b"HTTP/1.1 403 ")


def test_a_connection_is_used_again_and_many_at_once_are_taken(place: Place) -> None:
    """One connection takes request after request; 64 that come at once are all answered."""
    with call(place.proxy) as end:
        for _ in range(3):
            end.sendall(b"HEAD /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
            assert end.recv(4_096).startswith(b"HTTP/1.1 403 ")
    ends = [call(place.proxy) for _ in range(64)]
    for end in ends:
        end.sendall(b"HEAD /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
    for end in ends:
        assert end.recv(4_096).startswith(b"HTTP/1.1 403 ")
        end.close()
    assert len(place.proxy.requests) == 67


def test_latency_is_added_to_each_request(place: Place) -> None:
    """Five requests in a row wait five times."""
    place.proxy.latency_s = 0.1
    started = time.monotonic()
    for _ in range(5):
        place.through.list_objects_v2(Bucket=place.bucket)
    assert time.monotonic() - started >= 0.5


def test_a_server_that_has_closed_is_connected_again() -> None:
    """A server that closes between two requests is not noticed by the client; a server that is gone resets it."""
    answer = f"{FAIR}Content-Length: 2\r\n\r\nok".encode()
    with answering(answer) as (url, got), faulty.before(url) as proxy, call(proxy) as end:
        for _ in range(3):
            got.clear()
            end.sendall(b"GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
            assert b"".join(end.recv(1) for _ in answer) == answer
            until(lambda: bool(got))  # it has closed
    with faulty.before(url) as proxy, pytest.raises(ConnectionResetError):
        bare(proxy)


def test_an_answer_that_comes_early_is_passed_on() -> None:
    """A server that refuses and closes before it has read the body is still heard."""
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    with answering(refusal) as (url, _), faulty.before(url) as proxy:
        head = b"PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n"
        assert bare(proxy, head + bytes(9_000_000)) == refusal


@pytest.mark.parametrize("watcher", [None, lambda _: None], ids=["unwatched", "watched"])
def test_answers_of_unknown_length_pass(watcher: Callable[[Request], None] | None) -> None:
    """Answers in chunks keep their content and trailer; those that end with the connection end so."""
    open_ended = f"{FAIR}\r\nhello".encode()
    with answering(IN_CHUNKS + CHUNKS, open_ended) as (url, _), faulty.before(url) as proxy:
        proxy.watch(watcher)
        answer = bare(proxy, b"GET /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert (head + b"\r\n\r\n", content(body)) == (IN_CHUNKS, b"hello world")
        assert bare(proxy) == open_ended


# Harm


def test_reset_before_passes_nothing_on(place: Place) -> None:
    """The client is reset, and the store knows of nothing."""
    place.proxy.decide(always(Fault.RESET_BEFORE))
    with pytest.raises(ConnectionResetError):
        place.ask("PUT", "k", BODY)
    assert place.held() == {}


def test_reset_halfway_leaves_nothing_new(place: Place) -> None:
    """Half of the body leaves the object as it was."""
    place.put("k", b"old")
    place.proxy.decide(always(Fault.RESET_HALFWAY))
    for body in (BODY, BODY * 300, iter([BODY, BODY])):
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            place.ask("PUT", "k", body)
    assert place.held() == {"k": b"old"}


def test_reset_halfway_passes_just_half_on() -> None:
    """The server gets half of the body, then a reset."""
    with answering(b"", reads=1_000) as (url, got), faulty.before(url) as proxy:
        proxy.decide(always(Fault.RESET_HALFWAY))
        with pytest.raises(ConnectionResetError):
            bare(proxy, b"PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + bytes(1_000))
        until(lambda: bool(got))
    assert got[0].partition(b"\r\n\r\n")[2] == bytes(500)


def test_a_lost_reply_leaves_the_object_there(place: Place) -> None:
    """The store has done what it was asked for, and the client cannot know."""
    place.proxy.decide(always(Fault.LOST_REPLY))
    with pytest.raises(ConnectionResetError):
        place.ask("PUT", "k", BODY)
    assert place.held() == {"k": BODY}
    with pytest.raises(ConnectionResetError):
        place.ask("DELETE", "k")
    assert place.held() == {}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault.SLOW_DOWN, 503, b"SlowDown"),
        (Fault.INTERNAL, 500, b"InternalError"),
        (Fault.ERROR_IN_200, 200, b"Internal"),
    ],
)
def test_made_up_errors_pass_nothing_on(place: Place, fault: Fault, status: int, code: bytes) -> None:
    """The client is told of an error, in the words of S3, and the store of nothing; HEAD gets no body."""
    place.proxy.decide(always(fault))
    found, body = place.ask("PUT", "k", BODY)
    assert (found, b"<Code>" + code in body) == (status, True)
    assert place.ask("HEAD", "k") == (status, b"")
    assert place.held() == {}
    with call(place.proxy) as end:  # the connection lives on, as the body was read
        for _ in range(2):
            end.sendall(b"HEAD /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
            assert end.recv(4_096).endswith(b"\r\n\r\n")
            end.sendall(b"PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
            assert end.recv(4_096).startswith(f"HTTP/1.1 {status} ".encode())


def test_slow_down_is_retried_to_success(place: Place) -> None:
    """A real client tries again, and the object arrives."""
    place.proxy.decide(lambda request: Fault.SLOW_DOWN if request.number == 1 else None)
    place.through.put_object(Bucket=place.bucket, Key="k", Body=BODY)
    assert [request.verb for request in place.proxy.requests] == ["PUT", "PUT"]
    assert place.held() == {"k": BODY}


@pytest.mark.parametrize("watcher", [None, lambda _: None], ids=["unwatched", "watched"])
def test_a_truncated_answer_ends_halfway(place: Place, watcher: Callable[[Request], None] | None) -> None:
    """The headers promise all, half of it comes, and then an end rather than a reset."""
    place.put("k")
    place.proxy.watch(watcher)
    place.proxy.decide(always(Fault.TRUNCATED))
    with pytest.raises(http.client.IncompleteRead) as caught:
        place.ask("GET", "k")
    assert caught.value.partial == BODY[:10_000]
    assert caught.value.expected == len(BODY) - 10_000


def test_a_truncated_answer_in_chunks_has_no_end() -> None:
    """Half of the content comes, and no last chunk."""
    with answering(IN_CHUNKS + CHUNKS) as (url, _), faulty.before(url) as proxy:
        proxy.decide(always(Fault.TRUNCATED))
        body = bare(proxy).partition(b"\r\n\r\n")[2]
        assert body == b"5\r\nhello\r\n"
        proxy.decide(always(Fault.FLIPPED_DOWN))
        body = bare(proxy, b"GET /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").partition(b"\r\n\r\n")[2]
        assert differing_bits(content(body), b"hello world") == 1


def test_a_bit_flipped_on_the_way_up_is_stored_unless_there_is_a_checksum(place: Place) -> None:
    """Without a checksum the store holds one wrong bit; with one it answers 400 and holds nothing new."""
    place.proxy.decide(always(Fault.FLIPPED_UP))
    assert place.ask("PUT", "k", BODY)[0] == 200
    assert differing_bits(place.read("k"), BODY) == 1
    assert place.ask("PUT", "in chunks", iter([BODY]))[0] == 200
    assert differing_bits(place.read("in chunks"), BODY) == 1
    with pytest.raises(ClientError) as caught:
        place.through.put_object(Bucket=place.bucket, Key="sum", Body=BODY, ChecksumAlgorithm="SHA256")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert sorted(place.held()) == ["in chunks", "k"]


@pytest.mark.parametrize("watcher", [None, lambda _: None], ids=["unwatched", "watched"])
def test_a_bit_is_flipped_on_the_way_down(place: Place, watcher: Callable[[Request], None] | None) -> None:
    """The client gets one wrong bit; the store holds the right ones."""
    place.put("k")
    place.proxy.watch(watcher)
    place.proxy.decide(always(Fault.FLIPPED_DOWN))
    status, body = place.ask("GET", "k")
    assert (status, differing_bits(body, BODY)) == (200, 1)
    assert place.read("k") == BODY


def test_a_stall_ends_in_a_reset(place: Place) -> None:
    """Nothing comes for as long as was said, then a reset; the store knows of nothing."""
    place.proxy.decide(always(Fault.STALL))
    started = time.monotonic()
    with pytest.raises(ConnectionResetError):
        place.ask("PUT", "k", BODY)
    assert 0.2 <= time.monotonic() - started < 5
    assert place.held() == {}


def test_a_fault_meets_only_the_request_that_it_is_meant_for(place: Place) -> None:
    """Each request is asked about once, one at a time."""
    asked: list[int] = []

    def choose(request: Request) -> Fault | None:
        asked.append(request.number)
        return Fault.INTERNAL if request.key == "bad" else None

    place.proxy.decide(choose)
    assert [place.ask("PUT", key, BODY)[0] for key in ("good", "bad", "fine")] == [200, 500, 200]
    assert asked == [1, 2, 3]
    place.proxy.reset()
    assert place.ask("PUT", "bad", BODY)[0] == 200


# Watching


def test_the_three_moments_are_told(place: Place) -> None:
    """Before, nothing is there; within, neither; after, the object is there, and the client knows nothing yet."""
    held: list[tuple[str, list[str]]] = []
    place.proxy.watch(lambda request: held.append((request.moment, sorted(place.held()))))
    place.ask("PUT", "k", BODY)
    assert held == [("before", []), ("in", []), ("after", ["k"])]


@pytest.mark.parametrize("verb", ["PUT", "GET", "HEAD", "DELETE"])
def test_every_request_has_its_three_moments(place: Place, verb: str) -> None:
    """Requests with a body of any length and without one are told of three times, in order."""
    told: list[tuple[str, str]] = []
    place.proxy.watch(lambda request: told.append((request.verb, request.moment)))
    for body in (b"", b"1", iter([BODY])) if verb == "PUT" else (None,):
        told.clear()
        place.ask(verb, "k", body)
        assert told == [(verb, "before"), (verb, "in"), (verb, "after")]


@pytest.mark.parametrize(("moment", "kept"), [("before", b"old"), ("in", b"old"), ("after", BODY)])
def test_a_cut_ends_a_request_at_its_moment(place: Place, moment: str, kept: bytes) -> None:
    """Cut before or within, the object is as it was; cut after, it is new; the client is reset each time."""
    place.put("k", b"old")

    def see(request: Request) -> None:
        if request.moment == moment:
            raise Cut

    place.proxy.watch(see)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        place.ask("PUT", "k", BODY)
    assert place.held() == {"k": kept}


def test_what_watches_may_block(place: Place) -> None:
    """A request that is held back holds back no other."""
    go_on = threading.Event()

    def see(request: Request) -> None:
        if request.key == "held":
            go_on.wait(10)

    place.proxy.watch(see)
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(place.ask("PUT", "held", BODY)[0]))
    waiting.start()
    assert place.ask("PUT", "free", BODY)[0] == 200
    assert (answers, sorted(place.held())) == ([], ["free"])
    go_on.set()
    waiting.join()
    assert answers == [200]


# The end


def test_the_end_is_quick_and_leaves_nothing_waiting(s3: Seaweed) -> None:
    """Idle connections, stalls and latencies end with the context, and so do their threads."""
    known = set(threading.enumerate())
    with faulty.before(s3.endpoint_url, stall_s=30) as proxy:
        proxy.decide(lambda request: Fault.STALL if request.verb == "PUT" else None)
        idle, stalled, slow = call(proxy), call(proxy), call(proxy)
        idle.sendall(b"HEAD /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
        idle.recv(4_096)
        stalled.sendall(b"PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        proxy.latency_s = 30
        slow.sendall(b"HEAD /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        assert len(proxy.requests) == 3
        started = time.monotonic()
    assert time.monotonic() - started < 3
    assert set(threading.enumerate()) == known
    for end in (idle, stalled, slow):
        end.close()


def test_a_client_that_goes_away_is_not_waited_for(s3: Seaweed) -> None:
    """Its thread ends: while the connection is idle, in the middle of a body, and in a stall."""
    known = set(threading.enumerate())
    with faulty.before(s3.endpoint_url, stall_s=30) as proxy:
        proxy.decide(lambda request: Fault.STALL if request.verb == "DELETE" else None)
        for start in (
            b"",
            b"HEAD /b/k HTTP",
            b"PUT /b/k HTTP/1.1\r\nContent-Length: 5\r\nHost: h\r\n\r\nhe",
            b"PUT /b/k HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: h\r\n\r\n5\r\nhe",
            b"PUT /b/k HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: h\r\n\r\n5\r\nhello\r\n",
            b"DELETE /b/k HTTP/1.1\r\nHost: h\r\n\r\n",
        ):
            with call(proxy) as end:
                end.sendall(start)
                time.sleep(0.05)
        until(lambda: len(set(threading.enumerate()) - known) == 1)  # what listens
