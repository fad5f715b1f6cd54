# The types of the compiled module. The words are in its docstrings; python/tests/test_types.py holds this file
# against them.
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NoReturn, SupportsFloat, SupportsIndex, TypedDict, Union, final, overload

import numpy as np
import numpy.typing as npt

__version__: str

_Element = Literal["float32", "float16", "bfloat16", "int8", "uint8", "bits"]
_Metric = Literal["l2", "ip", "cosine", "l1", "hamming"]
_Path = Union[str, bytes, os.PathLike[str], os.PathLike[bytes]]
# An array of ids, a mask, a callable: NumPy's own types cannot say "integers or booleans".
_Filter = Union[npt.NDArray[np.integer[Any]], npt.NDArray[np.bool_], Sequence[int], Callable[[int], object], "RowFilter"]
_Ids = npt.NDArray[np.int64]
_Distances = npt.NDArray[np.float32]
_GivenIds = Union[npt.NDArray[np.integer[Any]], Sequence[int]]
_Outcomes = Any  # a structured array, or one record of it: complete, truncated, exact, hops, distances, refined
_Health = TypedDict(
    "_Health",
    {
        "ids": int,
        "vertices": int,
        "waiting": int,
        "free": int,
        "unreachable": int,
        "mean_degree": float,
        "lists": int,
        "empty_lists": int,
        "largest_list": int,
    },
)
_CacheStats = TypedDict(
    "_CacheStats",
    {
        "hits": int,
        "misses": int,
        "bytes_read": int,
        "evictions": int,
        "lists": int,
        "bytes": int,
        "budget": int,
        "locked": bool,
        "refused": bool,
    },
)

class Error(Exception): ...
class InvalidArgument(Error, ValueError): ...
class Unsupported(Error, NotImplementedError): ...
class NotFound(Error, FileNotFoundError): ...
class AlreadyExists(Error, FileExistsError): ...
class Corrupt(Error): ...
class IoError(Error, OSError): ...
class OutOfMemory(Error, MemoryError): ...
class OutOfRange(Error, ValueError): ...
class Busy(Error, BlockingIOError): ...
class WrongType(Error, TypeError): ...
class IncompleteWarning(RuntimeWarning): ...

@final
class Advice:
    @property
    def spec(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def bytes(self) -> int: ...
    @property
    def in_memory(self) -> int: ...
    @property
    def residency(self) -> Literal["load", "map", "disk"]: ...

@final
class RowFilter:
    def __len__(self) -> int: ...

@final
class Cursor:
    @property
    def done(self) -> bool: ...
    @property
    def late(self) -> int: ...
    def next(self, n: SupportsIndex = 10, timeout: SupportsFloat | None = None) -> tuple[_Ids, _Distances]: ...
    def __iter__(self) -> Cursor: ...
    def __next__(self) -> tuple[int, float]: ...

@final
class Index:
    @property
    def dim(self) -> int: ...
    @property
    def metric(self) -> _Metric: ...
    @property
    def dtype(self) -> _Element: ...
    @property
    def spec(self) -> str: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def parts(self) -> dict[str, int]: ...
    def __len__(self) -> int: ...
    def __copy__(self) -> Index: ...
    def __deepcopy__(self, memo: Mapping[int, object]) -> Index: ...
    def __reduce__(self) -> NoReturn: ...
    def prepare(self, filter: _Filter) -> RowFilter: ...
    def cursor(
        self,
        query: npt.NDArray[Any],
        ef: SupportsIndex = 64,
        filter: _Filter | None = None,
        strict: bool = False,
        *,
        nprobe: SupportsIndex = 16,
        element: _Element | None = None,
    ) -> Cursor: ...
    @overload
    def search(
        self,
        queries: npt.NDArray[Any],
        k: SupportsIndex = 10,
        ef: SupportsIndex = 64,
        threads: SupportsIndex = 1,
        filter: _Filter | None = None,
        timeout: SupportsFloat | None = None,
        with_outcomes: Literal[False] = False,
        *,
        nprobe: SupportsIndex = 16,
        refine: SupportsFloat = 3.0,
        patience: SupportsFloat = 0.0,
        element: _Element | None = None,
    ) -> tuple[_Ids, _Distances]: ...
    @overload
    def search(
        self,
        queries: npt.NDArray[Any],
        k: SupportsIndex = 10,
        ef: SupportsIndex = 64,
        threads: SupportsIndex = 1,
        filter: _Filter | None = None,
        timeout: SupportsFloat | None = None,
        *,
        nprobe: SupportsIndex = 16,
        refine: SupportsFloat = 3.0,
        patience: SupportsFloat = 0.0,
        with_outcomes: Literal[True],
        element: _Element | None = None,
    ) -> tuple[_Ids, _Distances, _Outcomes]: ...
    @overload
    def range_search(
        self,
        queries: npt.NDArray[Any],
        radius: SupportsFloat,
        cap: SupportsIndex = 10000,
        ef: SupportsIndex = 64,
        threads: SupportsIndex = 1,
        filter: _Filter | None = None,
        timeout: SupportsFloat | None = None,
        with_outcomes: Literal[False] = False,
        *,
        nprobe: SupportsIndex = 16,
        refine: SupportsFloat = 3.0,
        element: _Element | None = None,
    ) -> tuple[_Ids, _Ids, _Distances]: ...
    @overload
    def range_search(
        self,
        queries: npt.NDArray[Any],
        radius: SupportsFloat,
        cap: SupportsIndex = 10000,
        ef: SupportsIndex = 64,
        threads: SupportsIndex = 1,
        filter: _Filter | None = None,
        timeout: SupportsFloat | None = None,
        *,
        nprobe: SupportsIndex = 16,
        refine: SupportsFloat = 3.0,
        with_outcomes: Literal[True],
        element: _Element | None = None,
    ) -> tuple[_Ids, _Ids, _Distances, _Outcomes]: ...
    def cache_stats(self) -> _CacheStats | None: ...
    def save(self, path: _Path) -> None: ...

@final
class GrowingIndex:
    @property
    def dim(self) -> int: ...
    @property
    def metric(self) -> _Metric: ...
    @property
    def dtype(self) -> _Element: ...
    @property
    def spec(self) -> str: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def parts(self) -> dict[str, int]: ...
    def __len__(self) -> int: ...
    def __contains__(self, id: SupportsIndex) -> bool: ...
    def __copy__(self) -> NoReturn: ...
    def __deepcopy__(self, memo: Mapping[int, object]) -> NoReturn: ...
    def __reduce__(self) -> NoReturn: ...
    def add(
        self,
        rows: npt.NDArray[Any],
        ids: _GivenIds | SupportsIndex | None = None,
        replace: bool = False,
        threads: SupportsIndex = 1,
        progress: Callable[[int, int], object] | None = None,
        *,
        element: _Element | None = None,
    ) -> _Ids: ...
    def update(
        self,
        rows: npt.NDArray[Any],
        ids: _GivenIds | SupportsIndex,
        threads: SupportsIndex = 1,
        progress: Callable[[int, int], object] | None = None,
        *,
        element: _Element | None = None,
    ) -> None: ...
    def remove(self, ids: _GivenIds | SupportsIndex) -> None: ...
    def prepare(self, filter: _Filter) -> RowFilter: ...
    def cursor(
        self,
        query: npt.NDArray[Any],
        ef: SupportsIndex = 64,
        filter: _Filter | None = None,
        strict: bool = False,
        *,
        nprobe: SupportsIndex = 16,
        element: _Element | None = None,
    ) -> Cursor: ...
    @overload
    def search(
        self,
        queries: npt.NDArray[Any],
        k: SupportsIndex = 10,
        ef: SupportsIndex = 64,
        threads: SupportsIndex = 1,
        filter: _Filter | None = None,
        timeout: SupportsFloat | None = None,
        with_outcomes: Literal[False] = False,
        *,
        nprobe: SupportsIndex = 16,
        refine: SupportsFloat = 3.0,
        patience: SupportsFloat = 0.0,
        element: _Element | None = None,
    ) -> tuple[_Ids, _Distances]: ...
    @overload
    def search(
        self,
        queries: npt.NDArray[Any],
        k: SupportsIndex = 10,
        ef: SupportsIndex = 64,
        threads: SupportsIndex = 1,
        filter: _Filter | None = None,
        timeout: SupportsFloat | None = None,
        *,
        nprobe: SupportsIndex = 16,
        refine: SupportsFloat = 3.0,
        patience: SupportsFloat = 0.0,
        with_outcomes: Literal[True],
        element: _Element | None = None,
    ) -> tuple[_Ids, _Distances, _Outcomes]: ...
    @overload
    def range_search(
        self,
        queries: npt.NDArray[Any],
        radius: SupportsFloat,
        cap: SupportsIndex = 10000,
        ef: SupportsIndex = 64,
        threads: SupportsIndex = 1,
        filter: _Filter | None = None,
        timeout: SupportsFloat | None = None,
        with_outcomes: Literal[False] = False,
        *,
        nprobe: SupportsIndex = 16,
        refine: SupportsFloat = 3.0,
        element: _Element | None = None,
    ) -> tuple[_Ids, _Ids, _Distances]: ...
    @overload
    def range_search(
        self,
        queries: npt.NDArray[Any],
        radius: SupportsFloat,
        cap: SupportsIndex = 10000,
        ef: SupportsIndex = 64,
        threads: SupportsIndex = 1,
        filter: _Filter | None = None,
        timeout: SupportsFloat | None = None,
        *,
        nprobe: SupportsIndex = 16,
        refine: SupportsFloat = 3.0,
        with_outcomes: Literal[True],
        element: _Element | None = None,
    ) -> tuple[_Ids, _Ids, _Distances, _Outcomes]: ...
    def save(self, path: _Path) -> None: ...
    def freeze(self) -> Index: ...
    def tidy(self) -> bool: ...
    def compact(self, progress: Callable[[int, int], object] | None = None) -> bool: ...
    def health(self) -> _Health: ...

@overload
def build(
    spec: str,
    rows: npt.NDArray[Any],
    ids: _GivenIds | None = None,
    metric: _Metric = "l2",
    threads: SupportsIndex = 0,
    ef_construction: SupportsIndex = 200,
    seed: SupportsIndex = 42,
    progress: Callable[[int, int], object] | None = None,
    *,
    element: _Element | None = None,
    growing: Literal[False] = False,
    dim: SupportsIndex | None = None,
    dtype: _Element | None = None,
    balance: float = 0.0,
) -> Index: ...
@overload
def build(
    spec: str,
    rows: npt.NDArray[Any],
    ids: _GivenIds | None = None,
    metric: _Metric = "l2",
    threads: SupportsIndex = 0,
    ef_construction: SupportsIndex = 200,
    seed: SupportsIndex = 42,
    progress: Callable[[int, int], object] | None = None,
    *,
    element: _Element | None = None,
    growing: Literal[True],
    dim: SupportsIndex | None = None,
    dtype: _Element | None = None,
    balance: float = 0.0,
) -> GrowingIndex: ...
@overload
def build(
    spec: str,
    rows: None = None,
    ids: None = None,
    metric: _Metric = "l2",
    threads: SupportsIndex = 0,
    ef_construction: SupportsIndex = 200,
    seed: SupportsIndex = 42,
    progress: Callable[[int, int], object] | None = None,
    *,
    element: None = None,
    growing: Literal[True],
    dim: SupportsIndex,
    dtype: _Element | None = None,
    balance: float = 0.0,
) -> GrowingIndex: ...
@overload
def open(
    path: _Path,
    residency: Literal["map", "load", "disk"] = "map",
    growing: Literal[False] = False,
    ef_construction: None = None,
    seed: None = None,
    cache: SupportsIndex = 0,
) -> Index: ...
@overload
def open(
    path: _Path,
    residency: Literal["map", "load", "disk"] = "map",
    *,
    growing: Literal[True],
    ef_construction: SupportsIndex | None = None,
    seed: SupportsIndex | None = None,
) -> GrowingIndex: ...
def advise(
    rows: SupportsIndex | npt.NDArray[Any],
    dim: SupportsIndex | None = None,
    metric: _Metric = "l2",
    dtype: _Element | None = None,
    memory: SupportsIndex | None = None,
) -> Advice: ...
def verify(path: _Path, progress: Callable[[int, int], object] | None = None) -> None: ...
def simd_level() -> str: ...
