"""What several test files share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tonari


@pytest.fixture(scope="session")
def rows() -> Any:
    return np.random.default_rng(7).standard_normal((500, 24)).astype(np.float32)


@pytest.fixture(scope="session")
def queries() -> Any:
    return np.random.default_rng(8).standard_normal((20, 24)).astype(np.float32)


@pytest.fixture(scope="session", params=["Flat", "HNSW16"])
def index(request: pytest.FixtureRequest, rows: Any) -> tonari.Index:
    """The same rows in an exact index and in a graph."""
    return tonari.build(request.param, rows)


@pytest.fixture(scope="session")
def flat(rows: Any) -> tonari.Index:
    return tonari.build("Flat", rows)


@pytest.fixture
def empty() -> tonari.GrowingIndex:
    return tonari.build("HNSW8", growing=True, dim=24)


@pytest.fixture(params=["HNSW8", "IVF12,Flat"])
def grown(request: pytest.FixtureRequest, rows: Any) -> tonari.GrowingIndex:
    """A graph, and lists of which a search looks at all unless it is told otherwise."""
    return tonari.build(request.param, rows, growing=True)
