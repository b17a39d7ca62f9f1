"""What NetworkPolicies let through, as Kubernetes defines it: a connection passes if the sender's side and the
receiver's side both let it; a side lets everything through that no policy selects for that direction.

https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

Selector = dict[str, Any]
Policy = dict[str, Any]


class Place(NamedTuple):
    """Something with an address: a pod, or (without labels) a machine outside the cluster."""

    name: str
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    namespace_labels: tuple[tuple[str, str], ...] = ()
    ip: str = "10.0.0.1"

    @property
    def is_pod(self) -> bool:
        return bool(self.namespace)


def passes(policies: list[Policy], sender: Place, receiver: Place, port: int, protocol: str = "TCP") -> bool:
    return _side(policies, sender, receiver, port, protocol, "Egress") and _side(
        policies, receiver, sender, port, protocol, "Ingress"
    )


def _side(policies: list[Policy], here: Place, there: Place, port: int, protocol: str, direction: str) -> bool:
    if not here.is_pod:
        return True
    selecting = [each for each in policies if _applies(each, here, direction)]
    rules = [rule for each in selecting for rule in each["spec"].get(direction.lower()) or []]
    peers = "to" if direction == "Egress" else "from"
    return not selecting or any(
        _port(rule.get("ports"), port, protocol) and _peer(rule.get(peers), there, here.namespace) for rule in rules
    )


def _applies(policy: Policy, place: Place, direction: str) -> bool:
    types = policy["spec"].get("policyTypes", ["Ingress"])
    inside = policy["metadata"].get("namespace", place.namespace) == place.namespace
    return direction in types and inside and matches(policy["spec"]["podSelector"], place.labels)


def _port(ports: list[dict[str, Any]] | None, port: int, protocol: str) -> bool:
    """No list: every port. Names of ports are not used by the chart, since they depend on the receiver."""
    return not ports or any(
        each.get("protocol", "TCP") == protocol and each["port"] <= port <= each.get("endPort", each["port"])
        for each in ports
    )


def _peer(peers: list[dict[str, Any]] | None, place: Place, own: str) -> bool:
    """No list: everybody."""
    return not peers or any(_one(peer, place, own) for peer in peers)


def _one(peer: dict[str, Any], place: Place, own: str) -> bool:
    if block := peer.get("ipBlock"):
        address = ip_address(place.ip)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(each) for each in block.get("except", [])
        )
    if not place.is_pod:
        return False
    namespaces = peer.get("namespaceSelector")
    right_namespace = place.namespace == own if namespaces is None else matches(namespaces, place.namespace_labels)
    return right_namespace and matches(peer.get("podSelector") or {}, place.labels)


def matches(selector: Selector, labels: tuple[tuple[str, str], ...]) -> bool:
    given = dict(labels)
    return all(given.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()) and all(
        _expression(each, given) for each in selector.get("matchExpressions") or []
    )


def _expression(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(expression["operator"])
