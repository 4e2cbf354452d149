"""Order among things that come after each other, and circles."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from slett.plan.graph import components, is_cyclic

NODES = list(range(8))
EDGES = st.dictionaries(st.sampled_from(NODES), st.sets(st.sampled_from(NODES)))
Edges = dict[int, set[int]]


def reached(after: Edges, start: int) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        new = after.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


@given(EDGES)
@settings(max_examples=300, deadline=None)
def test_each_group_comes_after_all_that_its_nodes_come_after(after: Edges) -> None:
    groups = components(NODES, after)
    assert sorted(node for group in groups for node in group) == NODES
    place = {node: number for number, group in enumerate(groups) for node in group}
    assert all(place[other] <= place[node] for node, others in after.items() for other in others)


@given(EDGES)
@settings(max_examples=300, deadline=None)
def test_nodes_are_together_exactly_when_they_reach_each_other(after: Edges) -> None:
    place = {node: number for number, group in enumerate(components(NODES, after)) for node in group}
    for one in NODES:
        for other in NODES:
            mutual = one == other or (other in reached(after, one) and one in reached(after, other))
            assert (place[one] == place[other]) == mutual


@given(EDGES)
def test_a_circle_is_a_node_that_reaches_itself(after: Edges) -> None:
    assert is_cyclic(NODES, after) == any(node in reached(after, node) for node in NODES)


def test_a_chain_may_be_long() -> None:
    nodes = list(range(5000))
    after = {later: [earlier] for earlier, later in pairwise(nodes)}
    assert components(nodes, after) == [[node] for node in nodes]


def test_what_is_not_among_the_nodes_is_not_in_the_order() -> None:
    assert components(["a"], {"a": ["b"], "b": ["a"]}) == [["a"]]
