"""YAML as people write parameters: dates stay as they are written, so that a wrong one is told like any other."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["load"]


class _Loader(yaml.SafeLoader):
    """A safe loader that makes no dates."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(text: str) -> Any:
    """Read YAML.

    Raises
    ------
    yaml.YAMLError
        If it is not YAML.
    """
    return yaml.load(text, Loader=_Loader)
