# SPDX-License-Identifier: BSD-3-Clause
"""Ways to lose the network in the host that steerd runs on, all of it or one family, and to have it back. What cannot be asked says
nothing of those who were to be asked."""
import kit

OWN, GATEWAY, LINK = "10.9.1.1/24", "10.9.1.2", "up0"
OWN_V6, GATEWAY_V6 = "fd09:1::1/64", "fd09:1::2"


class Network(kit.Network):
    """With IPv6, too; those far away have both."""

    def __init__(self, endpoints):
        super().__init__(*endpoints)
        with self.far():
            for address in endpoints.values():
                kit.run_ip("address", "add", f"{address}/128", "dev", "lo")
            kit.run_ip("address", "add", f"{GATEWAY_V6}/64", "dev", "up1", "nodad")
        give_v6()


def give_v6():
    kit.run_ip("address", "replace", OWN_V6, "dev", LINK, "nodad")
    kit.run_ip("-6", "route", "replace", "default", "via", GATEWAY_V6)


def take_v6():
    kit.run_ip("-6", "route", "del", "default")


def take_address_v6():
    kit.run_ip("-6", "address", "flush", "dev", LINK)


def give_route():
    kit.run_ip("route", "replace", "default", "via", GATEWAY)
    give_v6()


def take_routes(kind):
    def take():
        for family in "-4", "-6":
            kit.run_ip(family, "route", "del", "default")
            if kind is not None:
                kit.run_ip(family, "route", "add", kind, "default", "metric", "10")
    return take


def give_routes(kind):
    def give():
        for family in "-4", "-6":
            kit.run_ip(family, "route", "del", kind, "default", "metric", "10")
        give_route()
    return give


def take_link():
    kit.run_ip("link", "set", LINK, "down")


def give_link():
    kit.Network.raise_link()
    give_v6()  # it is forgotten when a link goes


def take_addresses():
    kit.run_ip("address", "flush", "dev", LINK)


def give_addresses():
    kit.run_ip("address", "add", OWN, "dev", LINK)
    give_route()


# name -> how it is lost, and how it comes back
ALL = {
    "link": (take_link, give_link),
    "addresses": (take_addresses, give_addresses),
    "routes": (take_routes(None), give_route),
    "prohibited": (take_routes("prohibit"), give_routes("prohibit")),
    "unreachable": (take_routes("unreachable"), give_routes("unreachable")),
    "ipv6 route": (take_v6, give_v6),
    "ipv6 address": (take_address_v6, give_v6),
}
HALF = "ipv6 route", "ipv6 address"  # the other family goes on, and sees who dies
