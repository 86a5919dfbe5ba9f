"""Two manifests -> a plan (pure); a plan and the folder `site` -> a published release; only room with boto3.

`plan` compares, `apply` sends in an order that never leaves a feed naming a file that is not there, `verify` looks
again. A store is a folder or a bucket; boto3 takes 0.4 s to import, so it is loaded when a bucket is opened.
"""

from typing import TYPE_CHECKING

from pipeline.publish.address import open_store
from pipeline.publish.below import BelowStore
from pipeline.publish.difference import group, plan, sound_of, with_older_sound
from pipeline.publish.directory import DirectoryStore
from pipeline.publish.store import Store, Stored
from pipeline.publish.transfer import Contents, Progress, apply, check_access, read_release, verify, withdraw

if TYPE_CHECKING:
    from pipeline.publish.s3 import S3Store

__all__ = [
    "BelowStore",
    "Contents",
    "DirectoryStore",
    "Progress",
    "S3Store",
    "Store",
    "Stored",
    "apply",
    "check_access",
    "group",
    "open_store",
    "plan",
    "read_release",
    "sound_of",
    "verify",
    "with_older_sound",
    "withdraw",
]


def __getattr__(name: str) -> object:
    if name == "S3Store":
        from pipeline.publish.s3 import S3Store  # noqa: PLC0415  boto3 is slow to import

        return S3Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
