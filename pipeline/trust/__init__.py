"""What lets an episode out, or takes it back: consent, findings decided, sign-off, withdrawal, and the trail of it all.

Values enter and leave; decisions, sign-offs and withdrawals are kept in TOML files, the trail in audit.jsonl.
"""

from pipeline.trust import consent, identities, signing, trail
from pipeline.trust.records import name_of, withdrawals, write_decisions, write_sign_offs, write_withdrawal
from pipeline.trust.review import Find, Found, Reviewed, Silent, decided, is_about, is_said, review, said, turns

__all__ = [
    "Find",
    "Found",
    "Reviewed",
    "Silent",
    "consent",
    "decided",
    "identities",
    "is_about",
    "is_said",
    "name_of",
    "review",
    "said",
    "signing",
    "trail",
    "turns",
    "withdrawals",
    "write_decisions",
    "write_sign_offs",
    "write_withdrawal",
]
