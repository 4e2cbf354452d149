"""Several ways of erasing the same people, each from its own copy of the shop, in turn."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from bench.lab.server import Server
from bench.lab.shop import digest, restore_index
from bench.lab.ways import Opener, by_hand

Samples = dict[str, list[float]]


def race(
    server: Server,
    shop: str,
    openers: Mapping[str, Opener],
    batches: Sequence[Sequence[int]],
    *,
    limits: Mapping[str, int] | None = None,
    settle: int | None = None,
) -> dict[int, Samples]:
    """Seconds that each way needed for each batch of people, by the batch's size.

    The ways take turns at every batch, so that a slow moment of the machine hits them all. In the end every copy must
    hold the same rows.

    Args:
        openers: open a way on a database, by name.
        batches: keys of people, nobody twice, larger batches later.
        limits: the most people that a way takes at once; a larger batch is erased for it by hand, untimed, with every
            index there.
        settle: before turns with so many people or more, write everything to disk, so that none pays for what another
            has left to write.
    """
    samples: dict[int, Samples] = {len(batch): {} for batch in batches}
    with ExitStack() as stack:
        copies = {name: stack.enter_context(server.copy(shop)) for name in openers}
        with ExitStack() as opened:
            running = {name: opened.enter_context(opener(copies[name])) for name, opener in openers.items()}
            for batch in batches:
                for name, way in running.items():
                    if settle is not None and len(batch) >= settle:
                        server.settle()
                    if len(batch) <= (limits or {}).get(name, len(batch)):
                        samples[len(batch)].setdefault(name, []).append(way(batch))
                    else:
                        restore_index(copies[name])
                        with by_hand(copies[name]) as another:
                            another(batch)
        ends = {name: digest(copy) for name, copy in copies.items()}
    first, wanted = next(iter(ends.items()))
    for name, end in ends.items():
        differing = sorted(each for each in wanted if end[each] != wanted[each])
        assert not differing, f"{name} left other rows than {first}: {', '.join(differing)}"
    return samples
