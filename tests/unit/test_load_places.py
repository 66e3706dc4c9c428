"""Machines of a load are told apart by addresses of this computer."""

from ipaddress import ip_address

from rmfs_tools.load.places import own_address


def test_ten_neighbours_share_an_address_and_nobody_else_has_it() -> None:
    found = [own_address(number, 3) for number in range(100_000)]
    assert found[0] == found[9] == "127.3.0.1"
    assert found[10] == "127.3.0.2"
    assert found[2_500] == "127.3.1.1"
    assert len(set(found)) == 10_000
    assert all(ip_address(one).is_loopback for one in set(found))


def test_a_million_machines_stay_on_this_computer() -> None:
    assert own_address(625_000, 3) == "127.4.0.1"
    assert ip_address(own_address(999_999, 3)).is_loopback
