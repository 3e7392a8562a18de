"""What one device can do at most, and which device a name means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.accelerators import Accelerator, Format
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import InvalidInput


def chip(
    name: str, *names: str, vector: int = 1_000, boost: int = 1000, highest: int = 1000, **peaks: int
) -> Accelerator:
    rates = {Format(key): rate for key, rate in (peaks or {"bf16": 100_000}).items()}
    return Accelerator(name, names or (name,), rates, vector, boost, highest, "test, 2026-11-22")


H100 = chip(
    "H100",
    "NVIDIA-H100-80GB-HBM3",
    vector=133_800,
    boost=1830,
    highest=1980,
    bf16=989_400,
    fp8=1_978_900,
    int8=1_978_900,
)
L4 = chip("L4", "NVIDIA-L4", bf16=121_000, fp8=242_000)
L40 = chip("L40", "NVIDIA-L40", bf16=181_000, fp8=362_000)
L40S = chip("L40S", "NVIDIA-L40S", bf16=362_000, fp8=733_000)
CATALOGUE = Catalogue.of([L4, L40, L40S, H100])


def test_the_worst_rate_is_the_fastest_format_and_the_vector_units_at_the_highest_clock_rounded_up() -> None:
    assert H100.fastest in (Format.FP8, Format.INT8)
    assert H100.worst_tflop_per_s == 2286  # (1978.9 + 133.8) x 1980 / 1830 = 2285.9


@given(st.integers(1, 10**8), st.integers(1, 10**8), st.integers(1, 10_000), st.integers(0, 5_000))
def test_tensor_and_vector_units_together_never_exceed_the_worst_rate(
    peak: int, vector: int, boost: int, above: int
) -> None:
    highest = min(boost + above, 10_000)
    device = chip("X", vector=vector, boost=boost, highest=highest, bf16=peak)
    assert device.worst_tflop_per_s * 1000 * boost >= (peak + vector) * highest
    assert (device.worst_tflop_per_s - 1) * 1000 * boost < (peak + vector) * highest


def test_total_processing_performance_is_the_largest_bits_times_rate() -> None:
    assert H100.tpp == 15831  # 8 x 1978.9, above 16 x 989.4; the vector units do not count


def test_tf32_does_not_count_for_total_processing_performance() -> None:
    """Its length is disputed (16 or 19 bits); where TF32 runs at the 16-bit rate, 19 would inflate the figure."""
    trainium2 = chip("Trn2", tf32=667_000, bf16=667_000)
    assert trainium2.tpp == 10_672


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        ("NVIDIA-L4", L4),
        ("NVIDIA-L40", L40),
        ("NVIDIA-L40S", L40S),
        ("NVIDIA L40S", L40S),
        ("nvidia-l40s", L40S),
        ("L40S", L40S),
        ("NVIDIA-L40S-SHARED", L40S),
        ("NVIDIA-L4-24GB", L4),
        ("NVIDIA H100 80GB HBM3", H100),
        ("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb", H100),
        ("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb.me-SHARED", H100),
        ("NVIDIA_H100__80GB_HBM3", H100),
    ],
)
def test_every_usual_spelling_finds_its_chip(product: str, expected: Accelerator) -> None:
    found = CATALOGUE.find(product)
    assert found is not None
    assert found.chip is expected


@pytest.mark.parametrize(
    "product",
    [
        "",
        "NVIDIA",
        "NVIDIA-",
        "L",
        "L400",
        "L4-Ultra",
        "NVIDIA-L4-H100",
        "L4 MIG",
        "L4-SHARED-2",
        "XL4",
        "L4-SHARED-MIG-1g.5gb",
        "L4-24",
    ],
)
def test_a_name_that_only_begins_like_a_known_one_counts_as_the_largest_chip(product: str) -> None:
    assert CATALOGUE.find(product) is None
    assert CATALOGUE.find_or_largest(product).chip is H100


@given(
    st.text(max_size=30) | st.text("-0S14g.MIGHAREDb", max_size=12),
    st.sampled_from(["NVIDIA-L4", "L40", "NVIDIA-L40S"]),
)
def test_whatever_is_appended_to_a_name_never_finds_a_smaller_chip_than_the_name(tail: str, name: str) -> None:
    known = CATALOGUE.find(name)
    assert known is not None
    assert CATALOGUE.find_or_largest(name + tail).worst_tflop_per_s >= known.worst_tflop_per_s


def test_a_name_for_two_chips_is_refused() -> None:
    with pytest.raises(InvalidInput, match="stands for both A and B"):
        Catalogue.of([chip("A", "NVIDIA-Z"), chip("B", "z")])


def test_an_empty_catalogue_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Catalogue.of([])


@pytest.mark.parametrize(
    ("peaks", "boost", "highest"),
    [
        ({"fp8": 1}, 1, 1),
        ({"bf16": 0}, 1, 1),
        ({"bf16": -5}, 1, 1),
        ({"bf16": 1, "vector": 0}, 1, 1),
        ({"bf16": 1}, 0, 1),
        ({"bf16": 1}, 2, 1),
        ({"bf16": 1}, 1, 10_001),
    ],
)
def test_a_chip_with_impossible_numbers_is_refused(peaks: dict[str, int], boost: int, highest: int) -> None:
    with pytest.raises(InvalidInput):
        chip("X", boost=boost, highest=highest, **peaks)


def test_a_chip_without_a_source_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Accelerator("X", ("X",), {Format.BF16: 1}, 1, 1, 1, "")
