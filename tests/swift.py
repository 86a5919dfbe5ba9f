"""A second real object store for tests, different from the first: OpenStack Swift with its S3 interface, from PyPI.

It honours If-None-Match but not If-Match, checks a checksum but does not answer one, as some providers do.
"""

import configparser
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.seaweed import free_ports
from tests.stores import ended

_START_SECONDS = 40.0
_SERVERS = ("account", "container", "object", "proxy")
_PIPELINE = "catch_errors gatekeeper healthcheck listing_formats s3api tempauth slo proxy-server"
_RINGS = """
import sys
from swift.common.ring import RingBuilder

for path, port in zip(sys.argv[1::2], sys.argv[2::2]):
    ring = RingBuilder(4, 1, 0)
    ring.add_dev({"region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1"})
    ring.rebalance()
    ring.get_ring().save(path)
"""
_LOGGING = """
import logging

def to_file(conf, name, log_to_console, log_route, fmt, logger, adapted_logger):
    logger.handlers[:] = [logging.FileHandler(conf["swift_dir"] + "/swift.log")]  # not the system's log
    logger.handlers[0].setFormatter(logging.Formatter(f"%(asctime)s {name} %(levelname)s: %(message)s"))
"""


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
        name = f"cln-{secrets.token_hex(6)}"
        with closing(self.client()) as client:
            client.create_bucket(Bucket=name)
        return name


@contextmanager
def start(folder: Path) -> Iterator[Swift]:
    """Run Swift with its data in `folder` until the context ends: four servers, one device, one replica."""
    ports = dict(zip(_SERVERS, free_ports(len(_SERVERS)), strict=True))
    store = Swift(
        endpoint_url=f"http://127.0.0.1:{ports['proxy']}", access_key="cln:publisher", secret_key=secrets.token_hex(20)
    )
    (folder / "devices" / "d1").mkdir(parents=True)
    _write_settings(folder, ports, store)
    with (folder / "swift.log").open("ab") as log, ExitStack() as until_the_end:
        _write_rings(folder, ports, log)
        running = [until_the_end.enter_context(ended(_started(folder, name, log))) for name in _SERVERS]
        _wait(store, running, folder / "swift.log")
        yield store


def _write_settings(folder: Path, ports: dict[str, int], store: Swift) -> None:
    (folder / "swift.conf").write_text(f"[swift-hash]\nswift_hash_path_suffix = {secrets.token_hex(8)}\n")
    (folder / "swift_logging.py").write_text(_LOGGING)
    keeps_attributes = _keeps_attributes(folder)
    for name, port in ports.items():
        settings = configparser.RawConfigParser(delimiters=("=",))  # names of users hold a colon
        settings["DEFAULT"] = _for_every_server(folder, port)
        if name == "proxy":
            settings.read_dict(_for_the_proxy(store))
        else:
            kind = "mem_object" if name == "object" and not keeps_attributes else name
            settings["pipeline:main"] = {"pipeline": f"{name}-server"}
            settings[f"app:{name}-server"] = {"use": f"egg:swift#{kind}"}
        with (folder / f"{name}.conf").open("w") as file:
            settings.write(file)


def _keeps_attributes(folder: Path) -> bool:
    """Tell whether files in `folder` can have what Swift writes beside their content; if not, it keeps in memory."""
    try:
        os.setxattr(folder / "swift.conf", "user.swift.metadata", b"{}")
    except (OSError, AttributeError):  # Python has no such call on macOS
        return False
    return True


def _for_every_server(folder: Path, port: int) -> dict[str, str]:
    import pwd  # noqa: PLC0415  Windows has none, and must be able to import this file

    return {
        "bind_ip": "127.0.0.1",
        "bind_port": str(port),
        "workers": "0",
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "swift_dir": str(folder),
        "devices": str(folder / "devices"),
        "mount_check": "false",
        "disable_fallocate": "true",
        "fallocate_reserve": "0",
        "log_level": "WARNING",
        "log_custom_handlers": "swift_logging.to_file",
        # One busy machine is all there is: waiting helps, giving up on it does not, and nothing is made good later.
        "conn_timeout": "10",
        "node_timeout": "60",
        "container_update_timeout": "60",
        "error_suppression_limit": "1000000",
    }


def _for_the_proxy(store: Swift) -> dict[str, dict[str, str]]:
    account, user = store.access_key.split(":")
    return {
        "pipeline:main": {"pipeline": _PIPELINE},
        **{f"filter:{name}": {"use": f"egg:swift#{name}"} for name in _PIPELINE.split()[:-1]},
        "filter:s3api": {"use": "egg:swift#s3api", "location": "us-east-1", "min_segment_size": "1"},
        "filter:tempauth": {"use": "egg:swift#tempauth", f"user_{account}_{user}": f"{store.secret_key} .admin"},
        "app:proxy-server": {"use": "egg:swift#proxy", "account_autocreate": "true"},
    }


def _write_rings(folder: Path, ports: dict[str, int], log: BinaryIO) -> None:
    rings = [text for name in _SERVERS[:3] for text in (str(folder / f"{name}.ring.gz"), str(ports[name]))]
    command = [sys.executable, "-W", "ignore", "-c", _RINGS, *rings]
    if subprocess.run(command, stdout=log, stderr=log, cwd=folder, check=False).returncode:
        raise _not_started(folder / "swift.log")


def _started(folder: Path, name: str, log: BinaryIO) -> "subprocess.Popen[bytes]":
    program = Path(sys.executable).with_name(f"swift-{name}-server")
    assert program.is_file(), "install the test dependencies: swift brings the Swift servers"
    command = [sys.executable, "-W", "ignore", str(program), str(folder / f"{name}.conf")]
    return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)})


def _wait(store: Swift, running: "list[subprocess.Popen[bytes]]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and all(process.poll() is None for process in running):
        try:
            _try_out(store)
        except (BotoCoreError, ClientError):
            time.sleep(0.1)
        else:
            return
    raise _not_started(log)


def _try_out(store: Swift) -> None:
    with closing(store.client()) as client:
        bucket = store.new_bucket()
        client.put_object(Bucket=bucket, Key="ready", Body=b"yes")
        client.get_object(Bucket=bucket, Key="ready")["Body"].close()
        client.delete_object(Bucket=bucket, Key="ready")
        client.delete_bucket(Bucket=bucket)


def _not_started(log: Path) -> RuntimeError:
    return RuntimeError("Swift did not start:\n" + log.read_text(errors="replace")[-3000:])
