# SPDX-License-Identifier: BSD-3-Clause
"""Ways to lose the network in the host that steerd runs on (kit.Network), and to have it back. What cannot be asked says nothing
of those who were to be asked."""
import kit

OWN, GATEWAY, LINK = "10.9.1.1/24", "10.9.1.2", "up0"


def take_default(*words):
    return lambda: kit.run_ip("route", "replace", *words)


def give_default():
    kit.run_ip("route", "del", "default")
    kit.run_ip("route", "add", "default", "via", GATEWAY)


def link_down():
    kit.run_ip("link", "set", LINK, "down")


def address_del():
    kit.run_ip("address", "del", OWN, "dev", LINK)


def address_add():
    kit.run_ip("address", "add", OWN, "dev", LINK)
    kit.run_ip("route", "add", "default", "via", GATEWAY)


def route_del():
    kit.run_ip("route", "del", "default")


def route_add():
    kit.run_ip("route", "add", "default", "via", GATEWAY)


# name -> how it is lost, and how it comes back
ALL = {
    "link": (link_down, kit.Network.raise_link),
    "address": (address_del, address_add),
    "route": (route_del, route_add),
    "prohibited": (take_default("prohibit", "default"), give_default),
    "unreachable": (take_default("unreachable", "default"), give_default),
}
