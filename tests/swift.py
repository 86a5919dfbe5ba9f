"""A second real object store for tests, different from the first: OpenStack Swift with its S3 interface, from PyPI.

It honours fewer conditions, answers no checksums and lists a little late, as some providers do.
"""

import configparser
import getpass
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.seaweed import free_ports

_START_SECONDS = 40.0
_SERVERS = ("account", "container", "object", "proxy")
_PIPELINE = "catch_errors gatekeeper healthcheck cache listing_formats s3api tempauth slo proxy-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swift:
    """A running store and its one publisher."""

    endpoint_url: str
    access_key: str
    secret_key: str

    def client(self) -> Any:
        """Make a plain boto3 client with the publisher's rights, to look at the store from outside."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                signature_version="s3v4", s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
            ),
        )

    def new_bucket(self) -> str:
        """Create an empty bucket."""
        name, client = f"cln-{secrets.token_hex(6)}", self.client()
        client.create_bucket(Bucket=name)
        client.close()
        return name


@contextmanager
def start(folder: Path) -> Iterator[Swift]:
    """Run Swift with its data in `folder` until the context ends: four servers, one device, one replica."""
    ports = dict(zip(_SERVERS, free_ports(len(_SERVERS)), strict=True))
    store = Swift(
        endpoint_url=f"http://127.0.0.1:{ports['proxy']}", access_key="cln:publisher", secret_key=secrets.token_hex(20)
    )
    _write_rings(folder, ports)
    for name, port in ports.items():
        _write_settings(folder, name, port, store)
    with (folder / "swift.log").open("wb") as log:
        running = [_started(folder, name, log) for name in _SERVERS]
        try:
            _wait(store, running, folder / "swift.log")
            yield store
        finally:
            for process in running:
                process.kill()
            for process in running:
                process.wait()


def _write_rings(folder: Path, ports: dict[str, int]) -> None:
    (folder / "devices" / "d1").mkdir(parents=True)
    program = (
        "import sys\nfrom swift.common.ring import RingBuilder\n"
        "for path, port in zip(sys.argv[1::2], sys.argv[2::2]):\n"
        "    ring = RingBuilder(4, 1, 0)\n"
        "    ring.add_dev({'id': 0, 'region': 1, 'zone': 1, 'weight': 1, 'ip': '127.0.0.1', 'port': int(port),\n"
        "                  'device': 'd1', 'meta': ''})\n"
        "    ring.rebalance()\n"
        "    ring.get_ring().save(path)\n"
    )
    rings = [text for name in _SERVERS[:3] for text in (str(folder / f"{name}.ring.gz"), str(ports[name]))]
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, *rings], check=True, capture_output=True)


def _write_settings(folder: Path, name: str, port: int, store: Swift) -> None:
    settings = configparser.RawConfigParser(delimiters=("=",))
    settings.optionxform = str  # type: ignore[assignment,method-assign]
    account, user = store.access_key.split(":")
    settings["DEFAULT"] = {
        "bind_ip": "127.0.0.1",
        "bind_port": str(port),
        "workers": "0",
        "user": getpass.getuser(),
        "swift_dir": str(folder),
        "devices": str(folder / "devices"),
        "mount_check": "false",
        "disable_fallocate": "true",
        "log_address": str(folder / "no-log"),
        "log_level": "ERROR",
    }
    if name != "proxy":
        settings["pipeline:main"] = {"pipeline": f"{name}-server"}
        settings[f"app:{name}-server"] = {"use": f"egg:swift#{name}"}
    else:
        settings["pipeline:main"] = {"pipeline": _PIPELINE}
        settings["app:proxy-server"] = {
            "use": "egg:swift#proxy",
            "account_autocreate": "true",
            "allow_account_management": "true",
        }
        for part in _PIPELINE.split()[:-1]:
            named = {"cache": "memcache"}.get(part, part)
            settings[f"filter:{part}"] = {"use": f"egg:swift#{named}"}
        settings["filter:tempauth"][f"user_{account}_{user}"] = f"{store.secret_key} .admin"
        settings["filter:s3api"].update({"location": "us-east-1", "min_segment_size": "1", "s3_acl": "false"})
    with (folder / f"{name}.conf").open("w") as file:
        settings.write(file)
    (folder / "swift.conf").write_text(f"[swift-hash]\nswift_hash_path_suffix = {'a' * 16}\n")


def _started(folder: Path, name: str, log: Any) -> "subprocess.Popen[bytes]":
    program = Path(sys.executable).with_name(f"swift-{name}-server")
    assert program.is_file(), "install the test dependencies: swift brings the Swift servers"
    command = [sys.executable, "-W", "ignore", str(program), str(folder / f"{name}.conf")]
    return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


def _wait(store: Swift, running: "list[subprocess.Popen[bytes]]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and all(process.poll() is None for process in running):
        try:
            urllib.request.urlopen(f"{store.endpoint_url}/healthcheck", timeout=1).close()
            store.new_bucket()
        except Exception:  # noqa: BLE001  whatever it is, it is not ready
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("Swift did not start:\n" + log.read_text(errors="replace")[-3000:])
