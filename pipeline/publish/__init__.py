"""A release and a store -> a published release that is never half there; only room with boto3.

`look` reads the store's ledger, `plan` compares (pure), `apply` sends in an order that never leaves a feed or a page
naming a file that is not there, one publisher at a time. A store is a folder or a bucket; boto3 takes a quarter of a
second to import, so it is loaded by the first request that needs it.
"""

from typing import TYPE_CHECKING

from pipeline import on_first_use
from pipeline.publish.address import open_store
from pipeline.publish.below import BelowStore
from pipeline.publish.costs import cost, requests
from pipeline.publish.crew import patiently, patiently_all
from pipeline.publish.difference import group, plan, with_live
from pipeline.publish.directory import DirectoryStore
from pipeline.publish.drift import Drift, deep_drift, drift, unsettled
from pipeline.publish.erasing import Erased, erase, remains
from pipeline.publish.guard import only_here
from pipeline.publish.history import Entry, Move, check_sources, entries, promotion, pruning, rollback
from pipeline.publish.ledger import Ledger, Owner, content
from pipeline.publish.rights import check_access
from pipeline.publish.store import OWN, Abilities, Store, Stored
from pipeline.publish.transfer import Contents, Manner, Progress, apply, withdraw
from pipeline.publish.turn import Seen, look
from pipeline.publish.wire import prepared

if TYPE_CHECKING:
    from pipeline.publish.bucket import configure, honours, invalidate, least_rights
    from pipeline.publish.s3 import S3Store

__all__ = [
    "OWN",
    "Abilities",
    "BelowStore",
    "Contents",
    "DirectoryStore",
    "Drift",
    "Entry",
    "Erased",
    "Ledger",
    "Manner",
    "Move",
    "Owner",
    "Progress",
    "S3Store",
    "Seen",
    "Store",
    "Stored",
    "apply",
    "check_access",
    "check_sources",
    "configure",
    "content",
    "cost",
    "deep_drift",
    "drift",
    "entries",
    "erase",
    "group",
    "honours",
    "invalidate",
    "least_rights",
    "look",
    "only_here",
    "open_store",
    "patiently",
    "patiently_all",
    "plan",
    "prepared",
    "promotion",
    "pruning",
    "remains",
    "requests",
    "rollback",
    "unsettled",
    "with_live",
    "withdraw",
]


__getattr__ = on_first_use(
    "pipeline.publish",
    {"S3Store": "s3", "configure": "bucket", "honours": "bucket", "invalidate": "bucket", "least_rights": "bucket"},
)
