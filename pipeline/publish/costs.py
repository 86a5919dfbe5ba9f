"""A plan -> how many requests it takes, and about what a provider would ask for them; pure."""

from dataclasses import dataclass

from pipeline.model import Asset, Plan, Reason
from pipeline.publish.bodies import PART_BYTES, SINGLE_PUT_BYTES
from pipeline.publish.crew import LARGE_BYTES

_TURN_AND_LEDGER = 2
_USD_PER_WRITE = 0.0053 / 1000  # Amazon S3 Standard in London (eu-west-2), as listed in 2026
_USD_PER_READ = 0.00042 / 1000
_USD_PER_GB_MONTH = 0.024


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a plan costs a bucket. usd: for its requests, once; usd_per_month: for the room of what is sent.

    Both are estimates at Amazon's list prices for London; a folder costs nothing.
    """

    requests: int
    size: int
    usd: float
    usd_per_month: float


def requests(asset: Asset) -> int:
    """Say how many writing requests sending a file takes."""
    if asset.size <= SINGLE_PUT_BYTES or asset.encoding is not None:
        return 1
    return 2 + -(-asset.size // PART_BYTES)


def cost(plan: Plan) -> Cost:
    """Estimate what applying `plan` to a bucket costs."""
    if plan.is_empty:
        return Cost(requests=1, size=0, usd=_USD_PER_READ, usd_per_month=0.0)
    size = sum(put.asset.size for put in plan.puts if put.reason is not Reason.HEADERS)
    sends = sum(requests(put.asset) for put in plan.puts)
    looks = 1 + sum(put.reason is Reason.HEADERS or put.asset.size > LARGE_BYTES for put in plan.puts)
    writes = _TURN_AND_LEDGER + len(plan.keeps) + sends + bool(plan.deletes)
    return Cost(
        requests=looks + writes + len(plan.deletes),  # removing is free
        size=size,
        usd=looks * _USD_PER_READ + writes * _USD_PER_WRITE,
        usd_per_month=size / 1e9 * _USD_PER_GB_MONTH,
    )
