"""Tells which hosts are this machine, and which requests the web page of another site sent."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scenario_runner.exchange import header

if TYPE_CHECKING:
    from scenario_runner.exchange import Headers


def is_this_machine(host: str) -> bool:
    """Tell whether a host, with or without a port, is `localhost` or a loopback address.

    Other names are not looked up: what a name leads to may be another address the next time.
    """
    name = host_name(host)
    if name == "localhost":
        return True
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def host_name(text: str) -> str:
    """Return the name in `name`, `name:port` or `[address]:port`; the text where it is none."""
    if text.count(":") > 1 and not text.startswith("["):
        return text.lower()  # an IPv6 address without a port
    try:
        return urlsplit(f"//{text}").hostname or text
    except ValueError:
        return text


def foreign_page(headers: Headers, *, local: bool) -> str | None:
    """Say why a request must come from the web page of another site, or None.

    A server that is `local` listens on this machine only: whoever calls it by another name was
    led here by that name's owner (DNS rebinding). A page's `Origin` must be this server's host;
    the pages of this machine may ask this machine.
    """
    asked = header(headers, "host")
    host = host_name(asked or "localhost")
    if local and not is_this_machine(host):
        return f"this server answers to localhost and 127.0.0.1 only, not to {host}"
    origin = header(headers, "origin")
    if origin is None:
        return None
    page = host_name(origin.partition("://")[2])
    if page == host or (is_this_machine(page) and is_this_machine(host)):
        return None
    return f"web pages from {origin} may not use this server"
