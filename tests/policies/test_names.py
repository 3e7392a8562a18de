"""Every name under which a chip appears finds it, and nothing that only looks like a name does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.catalogue import REMEMBERED_MAX

CATALOGUE = load_catalogue()
CHIPS = {chip.name: chip for chip in CATALOGUE.accelerators}
NAMES = [(name, chip.name) for chip in CHIPS.values() for name in (chip.name, *chip.product_names)]
KNOWN = {name.upper() for name, _ in NAMES}


@pytest.mark.parametrize("vendor", sorted({chip.vendor for chip in CHIPS.values()}))
def test_every_name_in_the_files_finds_its_chip_whole_in_any_case_and_shared(vendor: str) -> None:
    for product, name in NAMES:
        if CHIPS[name].vendor == vendor:
            for spelling in (product, product.upper(), product.lower(), product.replace("-", " "), f"{product}-SHARED"):
                found = CATALOGUE.find(spelling)
                assert found is not None, spelling
                assert (found.name, found.label) == (name, ""), spelling


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
        ("NVIDIA RTX A6000", "RTX-A6000"),
        ("NVIDIA A2", "A2"),
        ("NVIDIA A16", "A16"),
        ("NVIDIA GeForce RTX 3090", "RTX-3090"),
        ("NVIDIA GeForce RTX 3090 Ti", "RTX-3090-Ti"),
        ("NVIDIA GeForce RTX 4090", "RTX-4090"),
        ("NVIDIA GeForce RTX 5090", "RTX-5090"),
        ("NVIDIA GB10", "GB10"),
        # what people write
        ("H100 SXM", "H100-SXM5"),
        ("H200 SXM", "H200"),
        ("A100 PCIe", "A100"),
        # cloud.google.com/gke-accelerator and Karpenter
        ("nvidia-tesla-p100", "P100"),
        ("nvidia-tesla-p4", "P4"),
        ("nvidia-tesla-t4", "T4"),
        ("nvidia-tesla-v100", "V100S"),
        ("nvidia-tesla-a100", "A100"),
        ("nvidia-a100-80gb", "A100"),
        ("nvidia-l4", "L4"),
        ("nvidia-h100-80gb", "H100-SXM5"),
        ("nvidia-h100-mega-80gb", "H100-SXM5"),
        ("nvidia-h200-141gb", "H200"),
        ("nvidia-gb200", "GB200"),
        ("nvidia-b200", "B200"),
        ("nvidia-rtx-pro-6000", "RTX-PRO-6000"),
        ("h100", "H100-SXM5"),
        ("v100", "V100S"),
        ("b300", "B300"),
        ("a100", "A100"),
        ("a10g", "A10G"),
        ("rtx-pro-server-6000", "RTX-PRO-6000-Server"),
        ("trainium", "Trainium1"),
        ("trainium2", "Trainium2"),
        ("trn2", "Trainium2"),
        ("Inferentia1", "Inferentia1"),
        ("inf1", "Inferentia1"),
        ("inferentia2", "Inferentia2"),
        # amd.com/gpu.product-name (blanks are underscores), device ids, what a driver prints
        ("AMD_Instinct_MI300X_OAM", "MI300X"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("AMD_Instinct_MI300X_HF", "MI300X"),
        ("AMD_Instinct_MI300X_VF", "MI300X"),
        ("AMD_Instinct_MI300A", "MI300A"),
        ("AMD Instinct MI250X / MI250", "MI250X"),
        ("AMD_Instinct_MI250X_/_MI250", "MI250X"),
        ("AMD_Instinct_MI325X_OAM", "MI325X"),
        ("AMD_Instinct_MI250X", "MI250X"),
        ("Instinct MI355X", "MI355X"),
        ("740f", "MI210"),
        ("7408", "MI250X"),
        ("740c", "MI250X"),
        ("74a0", "MI300A"),
        ("74A1", "MI300X"),
        ("0x74a1", "MI300X"),
        ("74a5", "MI325X"),
        ("75a0", "MI350X"),
        ("75A3", "MI355X"),
        # cloud.google.com/gke-tpu-accelerator
        ("tpu-v3-slice", "TPU-v3"),
        ("tpu-v4-podslice", "TPU-v4"),
        ("tpu-v5-lite-podslice", "TPU-v5e"),
        ("tpu-v5p-slice", "TPU-v5p"),
        ("tpu-v6e-slice", "TPU-v6e"),
        ("tpu7x", "TPU-v7"),
        ("tpu7", "TPU-v7"),
        ("v5e", "TPU-v5e"),
        ("v5p", "TPU-v5p"),
        ("Trillium", "TPU-v6e"),
        ("Ironwood", "TPU-v7"),
        # Huawei, Intel
        ("Ascend910", "Ascend-910B1"),
        ("Ascend910B", "Ascend-910B1"),
        ("huawei-Ascend910A", "Ascend-910A"),
        ("910B4", "Ascend-910B4"),
        ("Gaudi2", "Gaudi2"),
        ("gaudi", "Gaudi3"),
    ],
)
def test_every_published_spelling_finds_its_chip(product: str, name: str) -> None:
    found = CATALOGUE.find(product)
    assert found is not None
    assert found.chip is CHIPS[name]


@pytest.mark.parametrize("product", ["NVIDIA-Z999", "NVIDIA-H20-Ultra", "NVIDIA-A10-24C", "NVIDIA-B300-X", "RTX", ""])
def test_an_unknown_product_counts_as_the_largest_chip(product: str) -> None:
    assert CATALOGUE.find(product) is None
    assert CATALOGUE.find_or_largest(product).chip is CATALOGUE.largest


def test_a_bare_family_name_stands_for_its_fastest_board() -> None:
    for bare, prefix in (("V100", "V100"), ("H100", "H100"), ("H800", "H800"), ("RTX PRO 6000", "RTX-PRO-6000")):
        found = CATALOGUE.find(f"NVIDIA-{bare}") or CATALOGUE.find(f"nvidia-{bare.lower().replace(' ', '-')}")
        assert found is not None
        family = [chip for name, chip in CHIPS.items() if name.startswith(prefix)]
        assert found.worst_tflop_per_s == max(chip.worst_tflop_per_s for chip in family)


COLLISIONS = [
    ["H20", "H200", "H200-NVL"],
    ["L4", "L40", "L40S", "L20"],
    ["A10", "A10G", "A100", "A800"],
    ["B200", "GB200", "B300", "GB300", "B100"],
    ["H100", "H100-PCIe", "H100-NVL", "GH200-480GB", "H800"],
    ["MI300A", "MI300X", "MI325X"],
    ["V100S", "V100-SXM2", "V100-PCIe"],
    ["Trainium1", "Trainium2", "Trainium3"],
    ["Ascend910A", "Ascend910B2", "Ascend910B3", "Ascend910B4"],
    ["tpu-v5-lite-podslice", "tpu-v5p-slice"],
]


@pytest.mark.parametrize("family", COLLISIONS)
def test_names_that_begin_alike_are_told_apart(family: list[str]) -> None:
    """Each means a chip of its own, and one letter more or less means none or another of the list."""
    found = [CATALOGUE.find(name) for name in family]
    assert all(found)
    names = {each.chip.name for each in found if each is not None}
    assert len(names) == len(family)
    for name in family:
        for near in (name[:-1], name + "0", name + "X", name + "-Ultra", "X" + name):
            device = CATALOGUE.find(near)
            assert device is None or near.upper() in KNOWN


@pytest.mark.parametrize(
    "product",
    ["RTX", "Intel-GAUDI", "aws-neuron-core", "A100-40G", "A100-80G", "AMD-Instinct-MI250X-MI250",
     "TPU-V5LITEPOD", "TPU", "None", "GPU", "AMD-Instinct-MI308X", "CS-2"],
)  # fmt: skip
def test_type_names_of_ray_that_say_too_little_are_no_names(product: str) -> None:
    assert CATALOGUE.find(product) is None


@pytest.mark.parametrize(
    ("product", "resource"),
    [("NVIDIA-MI300X", ""), ("AMD-H100", ""), ("Intel-H100", ""), ("H100", "amd.com/gpu"), ("MI300X", "nvidia.com/gpu"),
     ("trainium2", "google.com/tpu"), ("tpu-v4-podslice", "aws.amazon.com/neuron"), ("Gaudi2", "huawei.com/Ascend910")],
)  # fmt: skip
def test_a_chip_of_another_vendor_than_the_name_or_key_says_is_none(product: str, resource: str) -> None:
    assert CATALOGUE.find(product, resource) is None
    assert CATALOGUE.find_or_largest(product, resource).chip is CATALOGUE.largest


@pytest.mark.parametrize(
    "product",
    [
        "NVIDIA-L\u0664",  # ARABIC-INDIC DIGIT FOUR
        "NVIDIA-\uff2c\uff14",  # fullwidth L4
        "\u041d100",  # Cyrillic En
        "TES\u0405A-T4",
        "NVIDIA-GH200-480G\u0392",
        "TESLA\u00a0T4",
        "L4\u200b",
        "L4\n",
        "L4\x00",
        "NVIDIA\tL4",
        "L4\x1b[31m",
        "L4\x7f",
        "\ud800L4",
        "",
        " ",
        "-",
        "_" * 64,
        "NVIDIA",
        "nvidia-nvidia-l4",
    ],
)
def test_look_alikes_control_characters_and_nothing_are_no_names(product: str) -> None:
    assert CATALOGUE.find(product) is None


@pytest.mark.parametrize("make", ["L" * 10_000_000, "L4" + "-" * 10_000_000, "L4-MIG-" + "1" * 10_000_000])
def test_a_name_of_ten_megabytes_is_unknown_and_not_kept(make: str) -> None:
    kept = len(CATALOGUE._remembered)
    assert CATALOGUE.find(make) is None
    assert CATALOGUE.find("L4", make) is None
    assert len(CATALOGUE._remembered) == kept


def test_nobody_can_grow_what_is_remembered() -> None:
    catalogue = load_catalogue()
    for number in range(3 * REMEMBERED_MAX):
        catalogue.find(f"NVIDIA-L4-MIG-{number}g.5gb")
    assert len(catalogue._remembered) <= REMEMBERED_MAX
    found = catalogue.find("NVIDIA-L4")
    assert found is not None
    assert found.name == "L4"


@given(st.sampled_from(NAMES), st.text(max_size=20) | st.text("-0S14g.MIGHAREDbNVLspxnc", max_size=14))
def test_whatever_is_appended_finds_no_smaller_chip(named: tuple[str, str], tail: str) -> None:
    """A part may be smaller; the chip that it is a part of may not, unless the longer name is known itself."""
    known = CATALOGUE.find(named[0] + tail)
    if known is not None and (named[0] + tail).upper() not in KNOWN:
        assert known.chip.worst_tflop_per_s >= CHIPS[named[1]].worst_tflop_per_s


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_breaks_a_look_up_and_every_answer_is_remembered_right(product: str, resource: str) -> None:
    assert CATALOGUE.find(product, resource) == CATALOGUE.find(product, resource)
    assert CATALOGUE.find_or_largest(product, resource).worst_tflop_per_s > 0
