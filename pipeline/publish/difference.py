"""Two manifests -> a plan; pure: what to send, in which order, what to remove."""

from pipeline.model import Asset, Plan, Put, Reason, Release, is_feed_key

UNKNOWN_SHA256 = ""
MEDIA, PAGES, FEEDS = 1, 2, 3
_NAMED_BY_PAGES_AND_FEEDS = ("media/", "assets/", "transcripts/", "chapters/")
_NEVER_REMOVED = "media/"


def plan(local: Release, remote: Release | None) -> Plan:
    """Compare two releases by SHA-256, size and headers.

    Args:
        local: the release that was built.
        remote: the release that the store's manifest describes; None where nothing was published yet.

    Returns:
        The puts in the order they must be sent, and the keys to remove: those that only `remote` has, except
        `media/`, because someone may still be listening to a sound that no feed names any more.
    """
    before = {asset.key: asset for asset in remote.assets} if remote else {}
    puts = [Put(asset=asset, reason=reason) for asset in local.assets if (reason := _reason(asset, before))]
    kept = {asset.key for asset in local.assets}
    return Plan(
        puts=tuple(sorted(puts, key=lambda put: (group(put.asset.key), put.asset.key))),
        deletes=tuple(sorted(key for key in before if key not in kept and not key.startswith(_NEVER_REMOVED))),
        unchanged=len(local.assets) - len(puts),
    )


def with_older_sound(release: Release, remote: Release | None) -> Release:
    """Keep naming the sound of a store that no feed names any more.

    It is never removed by publishing, as apps may still be fetching it; what is in no manifest could never be found
    again by those who must remove it.
    """
    keys = {asset.key for asset in release.assets}
    older = [asset for asset in sound_of(remote) if asset.key not in keys and asset.sha256 != UNKNOWN_SHA256]
    return Release(assets=tuple(sorted((*release.assets, *older), key=lambda asset: asset.key)))


def sound_of(release: Release | None) -> tuple[Asset, ...]:
    """List the sound of a release."""
    return tuple(asset for asset in release.assets if asset.key.startswith(_NEVER_REMOVED)) if release else ()


def group(key: str) -> int:
    """Say when `key` is sent: what pages and feeds name (1), the pages and all else (2), the feeds (3)."""
    if key.startswith(_NAMED_BY_PAGES_AND_FEEDS):
        return MEDIA
    return FEEDS if is_feed_key(key) else PAGES


def while_publishing(release: Release, *, puts: tuple[Put, ...], deletes: tuple[str, ...]) -> Release:
    """Describe a store on its way to `release`: of every key still to be sent or removed the content is unknown.

    A store that holds this manifest was left in the middle: the next plan sends those files again and removes
    what is still to be removed, whichever release it publishes.
    """
    touched = {put.asset.key for put in puts} | set(deletes)
    unknown = [Asset(key=key, sha256=UNKNOWN_SHA256, size=0, content_type="", cache_control="") for key in touched]
    certain = [asset for asset in release.assets if asset.key not in touched]
    return Release(assets=tuple(sorted(certain + unknown, key=lambda asset: asset.key)))


def _reason(asset: Asset, before: dict[str, Asset]) -> Reason | None:
    old = before.get(asset.key)
    if old is None or old.sha256 == UNKNOWN_SHA256:
        return Reason.NEW
    if (old.sha256, old.size) != (asset.sha256, asset.size):
        return Reason.CONTENT
    return Reason.HEADERS if old != asset else None
