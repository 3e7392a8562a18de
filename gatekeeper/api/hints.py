"""What to do next, for callers of the API: the hints that our errors have for the command line, in its words."""

from __future__ import annotations

import re

# What a command shows, and where the API does.
_ADDRESSES = {
    "customer list": "/v1/customers",
    "inquiry list": "/v1/inquiries",
    "namespace list": "/v1/namespaces",
    "run list": "/v1/runs",
    "screening hits": "/v1/screening/hits",
    "user list": "/v1/users",
    "user people": "/v1/people",
}
_SEE = re.compile(r"See `gatekeeper ([a-z -]+)`\.")
# What is asked about one customer has the same name in both.
_ACT = re.compile(r"gatekeeper customer (reinstate|submit|renew|reopen) ([a-z0-9.-]+)(?: --reason [A-Z]+)?")
# `tier resolve` needs no data of the provider's: callers run it themselves.
_COMMAND = re.compile(r"\bgatekeeper (?!tier resolve)[a-z]|`(?!gatekeeper )[a-z]+ [a-z-]+`")
_OPTION = re.compile(r"--([a-z][a-z-]*)")


def hint_for_callers(hint: str) -> str:
    """The hint with addresses in place of commands and members in place of options; "" where only a command helps."""
    seen = _SEE.fullmatch(hint)
    if seen is not None:
        address = _ADDRESSES.get(seen[1])
        return f"GET {address} lists them." if address else ""
    hint = _ACT.sub(lambda found: f"POST /v1/customers/{found[2]}/{found[1]}", hint)
    if _COMMAND.search(hint):
        return ""
    return _OPTION.sub(lambda found: f"`{found[1].replace('-', '_')}`", hint)
