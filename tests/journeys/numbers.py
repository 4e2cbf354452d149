"""Many rows at once, made by the database itself."""

from slett.stores.schema import Dialect


def numbers(dialect: Dialect, last: int) -> str:
    """What to select `i` from, to have every number from 1 to the last."""
    if dialect == "mariadb":
        return f"(SELECT seq AS i FROM seq_1_to_{last}) AS numbers"
    counting = f"WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {last}) SELECT i FROM c"
    return f"({counting}) AS numbers"
