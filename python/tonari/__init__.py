"""Approximate nearest-neighbour search.

    index = tonari.build("HNSW32", rows, ids=ids, metric="l2")
    ids, distances = index.search(queries, k=10, ef=64)
    index.save("books.tnr")
    books = tonari.open("books.tnr")

    living = tonari.build("HNSW32", growing=True, dim=128)
    ids = living.add(rows)
    living.remove(ids[:10])

Every refusal is a `tonari.Error` that says what was expected and what was got.
"""

from ._tonari import (
    Advice,
    AlreadyExists,
    Busy,
    Corrupt,
    Cursor,
    Error,
    GrowingIndex,
    IncompleteWarning,
    Index,
    InvalidArgument,
    IoError,
    NotFound,
    OutOfMemory,
    OutOfRange,
    RowFilter,
    Unsupported,
    WrongType,
    __version__,
    advise,
    build,
    open,
    simd_level,
    verify,
)

__all__ = [
    "Advice",
    "AlreadyExists",
    "Busy",
    "Corrupt",
    "Cursor",
    "Error",
    "GrowingIndex",
    "IncompleteWarning",
    "Index",
    "InvalidArgument",
    "IoError",
    "NotFound",
    "OutOfMemory",
    "OutOfRange",
    "RowFilter",
    "Unsupported",
    "WrongType",
    "__version__",
    "advise",
    "build",
    "open",
    "simd_level",
    "verify",
]
