"""A built folder -> a bucket, as a whole process: `python -m tools.bench.publish_tree SITE STORE_URL ENDPOINT_URL`."""

import sys
from pathlib import Path

from pipeline import publish
from pipeline.model import MANIFEST_KEY, Release, StorageSettings


def main() -> None:
    """Publish what the manifest in the folder lists; credentials come from the environment."""
    folder, store_url, endpoint_url = sys.argv[1:]
    site = Path(folder)
    release = Release.from_json((site / MANIFEST_KEY).read_bytes())
    settings = StorageSettings(url=store_url, endpoint_url=endpoint_url, region="us-east-1")
    store = publish.open_store(settings, workspace=site.parent)
    seen = publish.look(store)
    plan = publish.plan(release, seen.ledger)
    if not plan.is_empty:
        manner = publish.Manner(owner=publish.Owner(who="bench", host="bench", workspace="0" * 32))
        publish.apply(plan, release, seen=seen, site=site, store=store, manner=manner)


if __name__ == "__main__":
    main()
