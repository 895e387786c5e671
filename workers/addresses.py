"""Which network addresses a download may reach: public ones, and no others."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from reelseek.errors import Forbidden, MediaError

Resolver = Callable[[str, int], list[str]]
"""A host's addresses, as text."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# The special-purpose registries of IANA (RFC 6890 and its successors), and the one public address at which a cloud
# (Azure) tells its machines their secrets. The others' are link-local, unique-local or shared addresses.
_NOT_PUBLIC_4 = [
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",
    )
]
# Of IPv6 only global unicast is public at all; tunnels (Teredo, 6to4) hide an IPv4 address in it.
_UNICAST_6 = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC_6 = [
    ipaddress.ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]


def is_public(address: str) -> bool:
    """Whether an IPv4 or IPv6 address is one of the open Internet."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)))
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        return parsed in _UNICAST_6 and not any(parsed in network for network in _NOT_PUBLIC_6)
    return not any(parsed in network for network in _NOT_PUBLIC_4)


def lookup(host: str, port: int) -> list[str]:
    """A host's addresses, asked of the system; also numbers in every spelling that the system takes."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Decides where a connection may go. A name is looked up once, and what was looked at is what is connected to.

    Attributes:
        allow_private: let every address pass.
        resolve: how names are looked up.
        exempt: host names that may have any address.
    """

    allow_private: bool = False
    resolve: Resolver = lookup
    exempt: frozenset[str] = field(default_factory=frozenset)

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses to connect to.

        Raises:
            Forbidden: the host has an address that is not public; the message is a sentence for a person.
            MediaError: the host is not known.
        """
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise MediaError(f"The host {host} is not known.") from error
        if self.allow_private or host.lower() in self.exempt:
            return found
        for address in found:
            if not is_public(address):
                where = address if host == address else f"{host} ({address})"
                raise Forbidden(
                    f"It leads to {where}, which is no address of the open Internet.",
                    hint="fetch.allow_private allows it.",
                )
        return found
