"""The catalogue of accelerators that comes with the package, and what a catalogue must not be."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.catalogue_files import BUNDLED_FILE, load_catalogue
from gatekeeper.domain.accelerators import Format
from gatekeeper.domain.errors import InvalidInput

CATALOGUE = load_catalogue()
CHIPS = {chip.name: chip for chip in CATALOGUE.accelerators}
Edit = Callable[[str, str], Path]

# Total Processing Performance as Epoch AI publishes it (January 2026), written down a second time on purpose.
# A10G: the higher of two published peaks is taken, so its TPP is that of the A10 and not 1120. B300, GB300: upper end.
PUBLISHED_TPP = {
    "V100-PCIe": 1792, "V100-SXM": 2000, "V100S": 2080, "T4": 1040, "A10": 2000, "A10G": 2000, "A30": 2640, "A40": 2395,
    "A100": 4992, "A800": 4992, "L4": 1936, "L20": 1912, "L40": 2897, "L40S": 5864, "RTX-6000-Ada": 5832,
    "RTX-PRO-6000": 8061, "RTX-PRO-6000-Max-Q": 7022, "RTX-PRO-6000-Server": 8000, "H100-SXM5": 15831,
    "H100-PCIe": 12104, "H100-NVL": 13368, "GH200": 15831, "H200": 15831, "H200-NVL": 13440, "H800-SXM": 15831,
    "H800-PCIe": 12104, "H800-NVL": 13368, "H20": 2368, "B100": 28000, "B200": 36000, "GB200": 40000, "B300": 56000,
    "GB300": 61120,
}  # fmt: skip


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """A copy of the bundled catalogue in which one text is another."""

    def edit(old: str, new: str) -> Path:
        file = Path(shutil.copy(BUNDLED_FILE, tmp_path / "accelerators.yaml"))
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        return file

    return edit


def test_every_chip_of_the_published_table_is_there_and_no_other() -> None:
    assert set(CHIPS) == set(PUBLISHED_TPP)


@pytest.mark.parametrize("name", list(PUBLISHED_TPP))
def test_the_peaks_give_the_published_total_processing_performance(name: str) -> None:
    assert CHIPS[name].tpp == pytest.approx(PUBLISHED_TPP[name], rel=0.001)


@pytest.mark.parametrize("name", list(PUBLISHED_TPP))
def test_no_peak_is_sparse(name: str) -> None:
    """A sparse figure is twice the dense one, so no peak times its bits may pass the published TPP."""
    for each, rate in CHIPS[name].peak_gflop_per_s.items():
        if each is not Format.TF32:
            assert each.bits * rate / 1000 <= PUBLISHED_TPP[name] * 1.001


@pytest.mark.parametrize("name", list(PUBLISHED_TPP))
def test_the_clocks_leave_the_margin_that_an_h100_shows(name: str) -> None:
    chip = CHIPS[name]
    assert 1.08 <= chip.max_clock_mhz / chip.boost_clock_mhz <= 1.16


@pytest.mark.parametrize(
    ("name", "tflop_per_s"),
    [
        ("V100-SXM", 31.4),
        ("A10", 31.2),
        ("A30", 41.2),
        ("A100", 78.0),
        ("L40S", 91.6),
        ("H100-SXM5", 133.8),
        ("H20", 88),
    ],
)
def test_the_vector_units_count_at_their_published_rate_without_tensor_cores(name: str, tflop_per_s: float) -> None:
    assert CHIPS[name].vector_gflop_per_s == pytest.approx(tflop_per_s * 1000, rel=0.001)


def test_a_chip_whose_packed_rate_nobody_is_sure_of_takes_the_highest_of_all() -> None:
    unsure = {chip.name: chip.vector_gflop_per_s for chip in CHIPS.values() if "taken high" in chip.source}
    assert set(unsure) == {name for name in CHIPS if name.startswith(("B", "GB", "RTX-PRO"))}
    assert unsure["B200"] == 4 * 75_000


def test_an_h100_is_one_h100_equivalent() -> None:
    assert CHIPS["H100-SXM5"].tpp / 15_824 == pytest.approx(1.0, abs=0.001)


def test_every_chip_says_where_its_numbers_are_from() -> None:
    for chip in CHIPS.values():
        assert "Epoch AI" in chip.source
        assert "confidence: " in chip.source
        assert "packed 16-bit rate of" in chip.source


@pytest.mark.parametrize(
    ("product", "name"),
    [
        # nvidia.com/gpu.product
        ("Tesla-V100-SXM2-16GB", "V100-SXM"),
        ("Tesla-V100-PCIE-32GB", "V100-PCIe"),
        ("Tesla-V100S-PCIE-32GB", "V100S"),
        ("Tesla-T4", "T4"),
        ("NVIDIA-A10", "A10"),
        ("NVIDIA-A10G", "A10G"),
        ("NVIDIA-A100-SXM4-80GB", "A100"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "A100"),
        ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED", "A100"),
        ("A100-SXM4-40GB", "A100"),
        ("NVIDIA-PG509-210", "A100"),
        ("NVIDIA-L4", "L4"),
        ("NVIDIA-L40", "L40"),
        ("NVIDIA-L40S", "L40S"),
        ("NVIDIA-L40S-SHARED", "L40S"),
        ("NVIDIA-H20", "H20"),
        ("NVIDIA-H20-3e", "H20"),
        ("NVIDIA-H200", "H200"),
        ("NVIDIA-H200-NVL", "H200-NVL"),
        ("NVIDIA-H100-80GB-HBM3", "H100-SXM5"),
        ("NVIDIA-H100", "H100-SXM5"),
        ("NVIDIA-H100-PCIe", "H100-PCIe"),
        ("NVIDIA-H100-NVL", "H100-NVL"),
        ("NVIDIA-H800", "H800-SXM"),
        ("NVIDIA-H800-PCIe", "H800-PCIe"),
        ("NVIDIA-GH200-144G-HBM3e", "GH200"),
        ("NVIDIA-B200", "B200"),
        ("NVIDIA-GB200", "GB200"),
        ("NVIDIA-B300-SXM6-AC", "B300"),
        ("NVIDIA-GB300", "GB300"),
        # DCGM modelName
        ("NVIDIA H100 80GB HBM3", "H100-SXM5"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA B200", "B200"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000-Server"),
        # cloud.google.com/gke-accelerator and Karpenter
        ("nvidia-tesla-t4", "T4"),
        ("nvidia-tesla-v100", "V100S"),
        ("nvidia-tesla-a100", "A100"),
        ("nvidia-a100-80gb", "A100"),
        ("nvidia-l4", "L4"),
        ("nvidia-h100-80gb", "H100-SXM5"),
        ("nvidia-h100-mega-80gb", "H100-SXM5"),
        ("nvidia-h200-141gb", "H200"),
        ("nvidia-gb200", "GB200"),
        ("h100", "H100-SXM5"),
        ("v100", "V100S"),
        ("b300", "B300"),
    ],
)
def test_every_published_spelling_finds_its_chip(product: str, name: str) -> None:
    found = CATALOGUE.find(product)
    assert found is not None
    assert found.chip is CHIPS[name]


@pytest.mark.parametrize("product", ["NVIDIA-R200", "NVIDIA-H20-Ultra", "NVIDIA-A10-24C", "NVIDIA-B300-X", "RTX", ""])
def test_an_unknown_product_counts_as_the_largest_chip(product: str) -> None:
    assert CATALOGUE.find(product) is None
    assert CATALOGUE.find_or_largest(product).chip is CHIPS["GB300"]


def test_a_bare_family_name_stands_for_its_fastest_board() -> None:
    for bare, prefix in (("V100", "V100"), ("H100", "H100"), ("H800", "H800"), ("RTX PRO 6000", "RTX-PRO-6000")):
        found = CATALOGUE.find(f"NVIDIA-{bare}") or CATALOGUE.find(f"nvidia-{bare.lower().replace(' ', '-')}")
        assert found is not None
        family = [chip for name, chip in CHIPS.items() if name.startswith(prefix)]
        assert found.worst_tflop_per_s == max(chip.worst_tflop_per_s for chip in family)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("bf16: 989.4, fp8: 1978.9, int8: 1978.9", "bf16: 989.4, fp8: 3957.8, int8: 1978.9", "is one of them sparse?"),
        ("{bf16: 112}", "{bf16: 224}", "is one of them sparse?"),
        ("boost_clock_mhz: 1830", "boost_clock_mhz: 1980", "SMs x FLOP per clock x boost clock"),
        ("max_clock_mhz: 1980", "max_clock_mhz: 1829", "clocks must satisfy"),
        ("[NVIDIA-H200, nvidia-h200-141gb]", "[NVIDIA-H200, NVIDIA-H100]", "stands for both"),
        ("{bf16: 112}", "{fp8: 112}", "a 16-bit peak is needed"),
        ("{bf16: 112}", "{bf16: 1.12e2}", "write a plain number"),
        ("{bf16: 112}", "{bf16: nan}", "write a plain number"),
        ("{bf16: 112}", "{bf16: -112}", "write a plain number"),
        ("{bf16: 112}", "{bf16: 112.0001}", "decimal"),
        ("{bf16: 112}", "{fp16: 112}", "fp16"),
        ("sources: [epoch-hardware]", "sources: [hearsay]", "'hearsay' is no source of this file"),
        ("source: packed-volta", "source: hearsay", "'hearsay' is no source of this file"),
        ("packed_16_bit: 2", "packed_16_bit: 8", "'packed_16_bit'"),
        ("packed_16_bit: 2", "packed_16_bit: 0", "'packed_16_bit'"),
        ("packed_16_bit: 2, ", "", "'packed_16_bit' is missing"),
        ("fp32_tflop_per_s: 14.1", "fp32_tflop_per_s: 0", "'fp32_tflop_per_s'"),
        ("    sm_count: 80\n", "", "given together or not at all"),
        ("    confidence: verified", "    confidence: sure", "'confidence'"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_its_place(edited: Edit, old: str, new: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=r"accelerators\.yaml:\d+:\d+: ") as caught:
        load_catalogue(edited(old, new))
    assert words in str(caught.value)
