"""Settings that all tests share."""

from hypothesis import settings

# A busy machine stops any example for longer than Hypothesis's 200 ms; how fast things are is for `make bench` to say.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")
