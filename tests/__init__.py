"""A package, so that `tests.conftest` is ours: Orbit installs a `tests` of its own, which wins over a mere folder."""
