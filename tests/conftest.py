"""The fixtures that every test may ask for, one file each in `tests/fixtures`."""

pytest_plugins = ["tests.fixtures.postgresql", "tests.fixtures.engines", "tests.fixtures.kms"]
