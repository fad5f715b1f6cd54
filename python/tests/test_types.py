"""The stubs: they agree with the compiled module, and a strict type checker accepts programs that use them."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tonari
from tonari import _tonari

PACKAGE = Path(tonari.__file__).parent
EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
STUB = ast.parse((PACKAGE / "_tonari.pyi").read_text(encoding="utf-8"))


def parameters(node: ast.FunctionDef) -> list[tuple[str, Any]]:
    """(name, default) of each, keyword-only ones behind "*"."""
    plain = [argument.arg for argument in node.args.args]
    defaults = [inspect.Parameter.empty] * (len(plain) - len(node.args.defaults))
    defaults += [ast.literal_eval(value) for value in node.args.defaults]
    listed: list[tuple[str, Any]] = list(zip(plain, defaults))
    for argument, value in zip(node.args.kwonlyargs, node.args.kw_defaults):
        listed.append(("*" + argument.arg, inspect.Parameter.empty if value is None else ast.literal_eval(value)))
    return listed


def runtime_parameters(function: Any) -> list[tuple[str, Any]]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [("*" * (p.kind is keyword) + p.name, p.default) for p in inspect.signature(function).parameters.values()]


def functions_of(body: list[ast.stmt]) -> list[list[ast.FunctionDef]]:
    """Each function with all its overloads."""
    functions: dict[str, list[ast.FunctionDef]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            functions.setdefault(node.name, []).append(node)
    return list(functions.values())


def merged_parameters(overloads: list[ast.FunctionDef]) -> list[tuple[str, Any]]:
    """In the order of the first overload; what may be left out in any of them has the default that it has there."""
    defaults: dict[str, Any] = {}
    for overload in overloads:
        for name, default in parameters(overload):
            if default is not inspect.Parameter.empty:
                assert defaults.setdefault(name.lstrip("*"), default) == default
    return [(name, defaults.get(name.lstrip("*"), default)) for name, default in parameters(overloads[0])]


def is_property(node: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list)


FUNCTIONS = [(nodes, getattr(_tonari, nodes[0].name)) for nodes in functions_of(STUB.body)]
MEMBERS = [
    (nodes, getattr(getattr(_tonari, owner.name), nodes[0].name))
    for owner in STUB.body
    if isinstance(owner, ast.ClassDef)
    for nodes in functions_of(owner.body)
]


@pytest.mark.parametrize(
    ("nodes", "runtime"), FUNCTIONS + MEMBERS, ids=lambda x: x[0].name if isinstance(x, list) else ""
)
def test_every_signature_agrees(nodes: list[ast.FunctionDef], runtime: Any) -> None:
    if is_property(nodes[0]):
        assert isinstance(runtime, property) and runtime.__doc__
    else:
        assert runtime_parameters(runtime) == merged_parameters(nodes)


def test_nothing_is_missing_from_the_stubs() -> None:
    stubbed = {node.name for node in STUB.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))} | {"__version__"}
    assert stubbed == {name for name in vars(_tonari) if not name.startswith("_") or name == "__version__"}
    assert stubbed == set(tonari.__all__)
    for owner in STUB.body:
        if isinstance(owner, ast.ClassDef):
            names = {node.name for node in owner.body if isinstance(node, ast.FunctionDef)}
            public = {name for name in vars(getattr(_tonari, owner.name)) if not name.startswith("_")}
            assert public == {name for name in names if not name.startswith("_")}


def test_everything_public_is_documented() -> None:
    for name in tonari.__all__:
        if not name.startswith("__"):
            assert getattr(tonari, name).__doc__, name
    assert all(member.__doc__ for nodes, member in MEMBERS if not nodes[0].name.startswith("__"))


def run_tool(folder: Path, *arguments: str) -> None:
    """In an empty folder, where caches may be left."""
    pytest.importorskip("mypy")
    environment = {**os.environ, "MYPYPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_accepts_the_package_and_the_examples(tmp_path: Path) -> None:
    run_tool(tmp_path, "mypy", "--strict", str(PACKAGE), *map(str, sorted(EXAMPLES.glob("*.py"))))


def test_mypy_knows_what_a_search_returns(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import numpy as np\n"
        "import tonari\n"
        "rows = np.ones((2, 2), dtype=np.float32)\n"
        "index = tonari.build('Flat', rows, metric='l2')\n"
        "ids, distances = index.search(rows)\n"
        "reveal_type(ids)\n"
        "a, b, outcomes = index.search(rows, with_outcomes=True)\n"
        "tonari.build('Flat', rows, metric='l3')  # type: ignore[call-overload]\n"
        "index.search(rows, recall=1)  # type: ignore[call-overload]\n"
        "living: tonari.GrowingIndex = tonari.build('HNSW8', growing=True, dim=2)\n"
        "living = tonari.build('HNSW8', rows, growing=True)\n"
        "living = tonari.open('a.tnr', growing=True, seed=1)\n"
        "frozen: tonari.Index = living.freeze()\n"
        "frozen = tonari.open('a.tnr')\n"
        "added = living.add(rows[0], 5)\n"
        "living.remove(added)\n"
        "degree: float = living.health()['mean_degree']\n"
        "a, b, outcomes = living.search(rows, with_outcomes=True)\n"
        "tonari.build('HNSW8', growing=True)  # type: ignore[call-overload]\n"
        "tonari.build('HNSW8')  # type: ignore[call-overload]\n"
        "tonari.open('a.tnr', seed=1)  # type: ignore[call-overload]\n"
        "frozen.add(rows)  # type: ignore[attr-defined]\n",
        encoding="utf-8",
    )
    run_tool(tmp_path, "mypy", "--strict", str(program))


def test_stubtest(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    # pybind11's own: a method and a metaclass, and that its classes say nothing of how they are made.
    ours = r"tonari(\._tonari)?\.(Advice|Cursor|GrowingIndex|Index|RowFilter)"
    allowed.write_text(f"{ours}\n{ours}\\.(__init__|_pybind11_conduit_v1_)\n", encoding="ascii")
    run_tool(tmp_path, "mypy.stubtest", "tonari", "--allowlist", str(allowed), "--ignore-unused-allowlist")
