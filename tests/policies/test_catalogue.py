"""The catalogue of accelerators that comes with the package, and what a catalogue must not be."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from gatekeeper.catalogue_files import BUNDLED, load_catalogue
from gatekeeper.domain.accelerators import Confidence, Format
from gatekeeper.domain.errors import InvalidInput

CATALOGUE = load_catalogue()
CHIPS = {chip.name: chip for chip in CATALOGUE.accelerators}
Edit = Callable[..., Path]

# Total Processing Performance as Epoch AI publishes it (January 2026), written down a second time on purpose.
# P100, P4, A2, A16, RTX and GB10 are not in it: by their peaks (the P4's there counts FP32 as 32 bits, 182).
# A10G: the higher of two published peaks is taken, so its TPP is that of the A10 and not 1120. B300, GB300, Gaudi and
# Ascend: upper end. MI250X: 6128 by two dies. Ascend 910C: 12800 by two. WSE-3, R200: by their peaks, from memory.
PUBLISHED_TPP = {
    "P100": 339, "P4": 176, "A2": 290, "A16": 287, "RTX-A6000": 2477, "RTX-3090": 2288, "RTX-3090-Ti": 2560,
    "RTX-4090": 5285, "RTX-5090": 6704, "GB10": 2000, "Inferentia1": 1024,
    "V100-PCIe": 1792, "V100-SXM": 2000, "V100S": 2080, "T4": 1040, "A10": 2000, "A10G": 2000, "A30": 2640, "A40": 2395,
    "A100": 4992, "A800": 4992, "L4": 1936, "L20": 1912, "L40": 2897, "L40S": 5864, "RTX-6000-Ada": 5832,
    "RTX-PRO-6000": 8061, "RTX-PRO-6000-Max-Q": 7022, "RTX-PRO-6000-Server": 8000, "H100-SXM5": 15831,
    "H100-PCIe": 12104, "H100-NVL": 13368, "GH200": 15831, "H200": 15831, "H200-NVL": 13440, "H800-SXM": 15831,
    "H800-PCIe": 12104, "H800-NVL": 13368, "H20": 2368, "B100": 28000, "B200": 36000, "GB200": 40000, "B300": 56000,
    "GB300": 61120, "R200": 200000,
    "MI210": 2896, "MI250X": 3064, "MI300A": 15690, "MI300X": 20919, "MI325X": 20919, "MI350X": 36910, "MI355X": 40265,
    "TPU-v2": 736, "TPU-v3": 1968, "TPU-v4": 4400, "TPU-v5e": 3152, "TPU-v5p": 7344, "TPU-v6e": 14688, "TPU-v7": 36912,
    "Trainium1": 3040, "Inferentia2": 3040, "Trainium2": 10672, "Trainium3": 20136, "Gaudi2": 7200, "Gaudi3": 29360,
    "Ascend-910A": 5120, "Ascend-910B1": 6400, "Ascend-910B2": 6016, "Ascend-910B3": 5008, "Ascend-910B4": 4480,
    "Ascend-910C": 6400, "WSE-3": 2000000,
}  # fmt: skip


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """A copy of the bundled catalogue in which one text of one file is another."""

    def edit(old: str, new: str, file: str = "nvidia.yaml") -> Path:
        folder = Path(shutil.copytree(BUNDLED, tmp_path / "accelerators"))
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))
        return folder

    return edit


def test_every_chip_of_the_published_table_is_there_and_no_other() -> None:
    assert set(CHIPS) == set(PUBLISHED_TPP)


def test_the_peaks_give_the_published_total_processing_performance() -> None:
    assert {name: chip.tpp for name, chip in CHIPS.items()} == pytest.approx(PUBLISHED_TPP, rel=0.001)


@pytest.mark.parametrize("file", sorted(file.name for file in BUNDLED.glob("*.yaml")))
def test_a_sparse_peak_does_not_load_whichever_it_is(tmp_path: Path, file: str) -> None:
    """A sparse figure is twice the dense one."""
    content = yaml.load((BUNDLED / file).read_text(), yaml.CBaseLoader)
    alone = tmp_path / file
    for chip in content["chips"]:
        peaks = chip["peaks"]
        for key, peak in peaks["tflop_per_s"].items():
            doubled = peaks | {"tflop_per_s": peaks["tflop_per_s"] | {key: str(2 * Decimal(peak))}}
            one = content | {"chips": [chip | {"peaks": doubled}]}
            alone.write_text(yaml.dump(one, Dumper=yaml.CSafeDumper))
            with pytest.raises(InvalidInput, match=r"is one of them sparse\?|TFLOP/s at 16 bits, not"):
                load_catalogue(alone)


def test_the_clocks_leave_the_margin_that_an_h100_shows() -> None:
    ratios = {name: chip.max_clock_mhz / chip.boost_clock_mhz for name, chip in CHIPS.items()}
    assert {name: ratio for name, ratio in ratios.items() if not 1.08 <= ratio <= 1.16} == {}


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
    unsure = {
        chip.name: chip.vector_gflop_per_s
        for chip in CHIPS.values()
        if any(each.what == "vector packed 16-bit" and "taken high" in each.source for each in chip.evidence)
    }
    assert set(unsure) == {
        name for name in CHIPS if name.startswith(("B", "GB", "RTX-PRO", "RTX-5090", "R200", "MI", "TPU-v2", "Gaudi3"))
    }
    assert unsure["B200"] == 4 * 75_000


def test_a_chip_of_whose_vector_units_nothing_is_known_counts_a_quarter_of_its_matrix_units() -> None:
    unknown = [chip for chip in CHIPS.values() if any("a quarter of" in each.source for each in chip.evidence)]
    assert {chip.vendor for chip in unknown} == {"google", "aws", "huawei", "intel", "cerebras"}
    for chip in unknown:
        assert 4 * chip.vector_gflop_per_s == chip.peak_gflop_per_s[Format.BF16]
        assert not chip.clocks_public


@pytest.mark.parametrize(
    ("name", "equivalents"),
    [("H100-SXM5", "1.00"), ("A100", "0.32"), ("B200", "2.27"), ("GB200", "2.53"), ("MI300X", "1.32"), ("H20", "0.15")],
)
def test_capacity_is_compared_in_h100s_to_two_digits(name: str, equivalents: str) -> None:
    assert str(CHIPS[name].h100_equivalents) == equivalents


def test_counting_tf32_as_19_bits_would_move_no_chip_over_a_line_of_the_rule() -> None:
    """So it is no more than a choice how long a TF32 operand is (decision 0008)."""
    for chip in CHIPS.values():
        longer = max(chip.tpp, 19 * chip.peak_gflop_per_s.get(Format.TF32, 0) // 1000)
        assert [chip.tpp >= line for line in (1600, 4800, 21_000)] == [longer >= line for line in (1600, 4800, 21_000)]


def test_every_number_of_every_chip_says_where_it_is_from_and_how_sure_it_is() -> None:
    for chip in CHIPS.values():
        about = {each.what for each in chip.evidence}
        assert {"names", "peaks", "vector", "clocks", "memory", "tpp"} <= about
        assert "units" in about or not chip.sm_count
        assert chip.parts == {} or about & {"mig", "partitions", "cores"}
        assert all(each.source[-4:].isdigit() or each.source[-2:].isdigit() for each in chip.evidence)


def test_where_sources_conflict_the_note_says_which_and_the_higher_is_taken() -> None:
    for chip in CHIPS.values():
        if any(each.confidence is Confidence.CONFLICTING for each in chip.evidence):
            assert chip.note
    assert CHIPS["A10G"].peak_gflop_per_s[Format.BF16] == 125_000
    assert CHIPS["H200-NVL"].peak_gflop_per_s[Format.BF16] == 840_000
    assert CHIPS["GB300"].peak_gflop_per_s[Format.FP4] == 15_280_000
    assert CHIPS["Gaudi3"].peak_gflop_per_s[Format.BF16] == 1_835_000
    assert CHIPS["Gaudi2"].peak_gflop_per_s[Format.BF16] == 450_000
    assert CHIPS["Ascend-910A"].peak_gflop_per_s[Format.BF16] == 320_000


@pytest.mark.parametrize(
    ("product", "resource", "part"),
    [
        ("NVIDIA-A100-SXM4-40GB", "nvidia.com/mig-1g.5gb", Fraction(14, 108)),
        ("NVIDIA-A100-SXM4-80GB", "nvidia.com/mig-3g.40gb", Fraction(42, 108)),
        ("NVIDIA-A30", "nvidia.com/mig-1g.6gb", Fraction(14, 56)),
        ("NVIDIA-H100-80GB-HBM3", "nvidia.com/mig-1g.10gb", Fraction(16, 132)),
        ("NVIDIA-H100-80GB-HBM3", "nvidia.com/mig-1g.20gb", Fraction(26, 132)),
        ("NVIDIA-A100-SXM4-80GB-MIG-1g.20gb", "nvidia.com/gpu", Fraction(14, 108)),
        ("NVIDIA-A100-SXM4-80GB", "nvidia.com/mig-1g.20gb", Fraction(14, 108)),
        ("NVIDIA-H100-NVL", "nvidia.com/mig-3g.47gb", Fraction(60, 132)),
        ("NVIDIA-GH200-480GB", "nvidia.com/mig-1g.24gb", Fraction(26, 132)),
        ("NVIDIA-H200", "nvidia.com/mig-1g.18gb", Fraction(16, 132)),
        ("NVIDIA-B200", "nvidia.com/mig-1g.23gb", Fraction(18, 148)),
        ("NVIDIA-B200", "nvidia.com/mig-7g.180gb", Fraction(1)),
        ("MI300A", "amd.com/cpx_nps1", Fraction(1, 6)),
        ("MI355X", "amd.com/cpx_nps2", Fraction(1, 8)),
        ("MI250X", "amd.com/gpu", Fraction(1)),
        ("trainium2", "aws.amazon.com/neuroncore", Fraction(2, 8)),
        ("inferentia2", "aws.amazon.com/neuroncore", Fraction(1, 2)),
        ("tpu7x", "google.com/tpu", Fraction(1)),
    ],
)
def test_parts_have_their_published_shares(product: str, resource: str, part: Fraction) -> None:
    found = CATALOGUE.find(product, resource)
    assert found is not None
    assert found.part == part


def test_a_share_that_is_a_guess_says_so_and_is_at_most_what_the_instances_beside_it_leave() -> None:
    """NVIDIA's guide says how many instances of a profile fit at once: none has more than its share of the whole."""
    for product, profile, share in (
        ("NVIDIA-H100-PCIe", "1g.10gb", Fraction(1, 7)),
        ("NVIDIA-H100-PCIe", "1g.20gb", Fraction(1, 4)),
        ("NVIDIA-H100-PCIe", "2g.20gb", Fraction(1, 3)),
        ("NVIDIA-B200", "1g.45gb", Fraction(1, 4)),
        ("NVIDIA-B200", "3g.90gb", Fraction(1, 2)),
        ("NVIDIA-GB200", "1g.23gb", Fraction(1, 7)),
        ("NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", "1g.24gb", Fraction(1, 4)),
    ):
        found = CATALOGUE.find(product, f"nvidia.com/mig-{profile}")
        assert found is not None
        assert found.guessed
        assert share - Fraction(1, found.chip.sm_count) < found.part <= share
    read = CATALOGUE.find("NVIDIA-H100-80GB-HBM3", "nvidia.com/mig-1g.10gb")
    assert read is not None
    assert not read.guessed


def test_a_profile_that_is_not_listed_counts_by_the_memory_of_the_board_that_is_named() -> None:
    for product, share in (
        ("NVIDIA-A100-SXM4-80GB-MIG-2g.40gb", Fraction(1, 2)),
        ("NVIDIA-A100-80GB-PCIe-MIG-2g.40gb", Fraction(1, 2)),
        ("NVIDIA-A100-SXM4-40GB-MIG-2g.40gb", Fraction(1)),
        ("NVIDIA-A100-MIG-2g.40gb", Fraction(1)),  # nobody says of which board
        ("A100-900GB-MIG-2g.40gb", Fraction(1)),  # no such board
    ):
        found = CATALOGUE.find(product, "nvidia.com/gpu")
        assert found is not None
        assert (found.part, found.guessed) == (share, True)


def test_a_wafer_that_no_pod_can_ask_for_does_not_stand_for_what_is_unknown() -> None:
    assert CATALOGUE.largest is CHIPS["R200"]
    assert CHIPS["WSE-3"].worst_tflop_per_s > CATALOGUE.largest.worst_tflop_per_s
    assert CATALOGUE.find_or_largest("", "cerebras.com/wse").chip is CHIPS["WSE-3"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("bf16: 989.4, fp8: 1978.9, int8: 1978.9", "bf16: 989.4, fp8: 3957.8, int8: 1978.9", "is one of them sparse?"),
        ("{bf16: 112}", "{bf16: 224}", "TFLOP/s at 16 bits, not 224"),
        ("value: 1792", "value: 3584", "is one of them sparse?"),
        ("boost_mhz: 1830", "boost_mhz: 1980", "units x FLOP per clock x boost clock"),
        ("max_mhz: 1980", "max_mhz: 1829", "clocks must satisfy"),
        ("printed: [NVIDIA-H200,", "printed: [NVIDIA-H200, NVIDIA-H100,", "stands for both"),
        ("printed: [NVIDIA-H200,", "printed: [NVIDIA-H200, MI300X,", "stands for both"),
        ("printed: [NVIDIA-H200,", "printed: [NVIDIA-H200, NVIDIA-H200-MIG-1g.18gb,", "it reads as a part"),
        ("printed: [NVIDIA-H200,", "printed: [NVIDIA-H200, NVIDIA-\u041d200,", "cannot be a product name"),
        ("{bf16: 112}", "{int8: 112}", "a 16-bit peak is needed"),
        ("{bf16: 112}", "{bf16: 112, int8: 224}", "volta at 112 TFLOP/s at 16 bits has 0 TFLOP/s at int8"),
        ("{bf16: 112}", "{bf16: 1.12e2}", "write a plain number"),
        ("{bf16: 112}", "{bf16: nan}", "write a plain number"),
        ("{bf16: 112}", "{bf16: -112}", "write a plain number"),
        ("{bf16: 112}", "{bf16: 112.0001}", "decimal"),
        ("{bf16: 112}", "{fp16: 112}", "fp16"),
        ("source: epoch-hardware", "source: hearsay", "'hearsay' is no source of this file"),
        ("ratio_source: packed-volta", "ratio_source: hearsay", "'hearsay' is no source of this file"),
        ("source: nvidia-names", "source: hearsay", "'hearsay' is no source of this file"),
        ("architecture: volta", "architecture: fermi", "'fermi' is no architecture of this file"),
        ("vendor: nvidia", "vendor: nobody", "'nobody' is no vendor"),
        ("packed_16_bit: 2", "packed_16_bit: 8", "'packed_16_bit'"),
        ("packed_16_bit: 2", "packed_16_bit: 0", "'packed_16_bit'"),
        ("fp32_tflop_per_s: 14.1", "fp32_tflop_per_s: 0", "'fp32_tflop_per_s'"),
        ("fp32_tflop_per_s: 14.1", "percent_of_16_bit: 25", "or percent_of_16_bit alone"),
        ("boost_mhz: 1367, max_mhz: 1481", "boost_mhz: 1367", "or ratio alone"),
        ("boost_mhz: 1367, max_mhz: 1481", "ratio: 1.083", "can only be checked with boost_mhz"),
        ("boost_mhz: 1367, max_mhz: 1481", "ratio: 0.9", "'ratio'"),
        ("date: 2026-01", "date: lately", "'date'"),
        ("confidence: verified", "confidence: sure", "'confidence'"),
        ("{1g.6gb: 14, 2g.12gb: 28}", "{1g.6gb: 57}", "above 0 and at most the whole chip"),
        ("{1g.6gb: 14, 2g.12gb: 28}", "{0g.6gb: 14}", "0g.6gb"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_its_place(edited: Edit, old: str, new: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=r"nvidia\.yaml:\d+:\d+: ") as caught:
        load_catalogue(edited(old, new))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("amd.yaml", "cpx: 8", "cpx: 0", "'cpx'"),
        ("aws.yaml", "count: 8, logical: 2", "count: 8, logical: 3", "no logical cores of 3"),
        ("google.yaml", "tpu-v6e-slice", "tpu-v5p-slice", "stands for both"),
        ("cerebras.yaml", "handed_out: false", "handed_out: maybe", "handed_out"),
    ],
)
def test_wrong_parts_and_names_of_other_vendors_are_refused_too(
    edited: Edit, file: str, old: str, new: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=file) as caught:
        load_catalogue(edited(old, new, file))
    assert words in str(caught.value)


def test_a_folder_without_files_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no files of accelerators"):
        load_catalogue(tmp_path)
