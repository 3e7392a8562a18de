"""How large a part of a chip a device is at most, by its name and by the resource key."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.accelerators import Accelerator, Device, Format
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import InvalidInput

GPU = "nvidia.com/gpu"


def chip(
    name: str, vendor: str, parts: dict[str, Fraction], *, slices: int = 0, gb: tuple[int, ...] = ()
) -> Accelerator:
    peaks = {Format.BF16: 1_000_000}
    return Accelerator(name, (name,), peaks, 1_000, 1, 1, "test", vendor=vendor, parts=parts, mig_slices=slices,
                       memory_gb=gb)  # fmt: skip


# Units of profiles as `nvidia-smi mig -lgip` prints them on an H100 80GB; of the X1 nobody has listed any.
H100 = chip(
    "H100",
    "nvidia",
    {
        "1g.10gb": Fraction(16, 132),
        "1g.20gb": Fraction(26, 132),
        "2g.20gb": Fraction(32, 132),
        "3g.40gb": Fraction(60, 132),
        "4g.40gb": Fraction(64, 132),
    },
    slices=7,
    gb=(80,),
)
X1 = chip("X1", "nvidia", {}, slices=7, gb=(80, 96))
L4 = chip("L4", "nvidia", {})
MI300X = chip("MI300X", "amd", {"dpx": Fraction(1, 2), "qpx": Fraction(1, 4), "cpx": Fraction(1, 8)})
TRAINIUM2 = chip(
    "Trainium2",
    "aws",
    {"neuroncore": Fraction(1, 4), "neuroncore-lnc1": Fraction(1, 8), "neuroncore-lnc2": Fraction(1, 4)},
)
TRAINIUM1 = chip("Trainium1", "aws", {"neuroncore": Fraction(1, 2), "neuroncore-lnc1": Fraction(1, 2)})
CHIPS = [H100, X1, L4, MI300X, TRAINIUM2, TRAINIUM1]
CATALOGUE = Catalogue.of(CHIPS)


def find(product: str, resource: str = "") -> Device:
    found = CATALOGUE.find(product, resource)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("product", "resource", "part", "label"),
    [
        # MIG, single strategy: the product names the profile. Mixed: the key does.
        ("NVIDIA-H100-MIG-1g.10gb", GPU, Fraction(16, 132), "MIG 1g.10gb"),
        ("NVIDIA-H100-MIG-3g.40gb", "", Fraction(60, 132), "MIG 3g.40gb"),
        ("NVIDIA-H100", "nvidia.com/mig-1g.20gb", Fraction(26, 132), "MIG 1g.20gb"),
        ("NVIDIA H100 MIG 2g.20gb", GPU, Fraction(32, 132), "MIG 2g.20gb"),
        # Engines beside the SMs, and a compute instance inside the GPU instance, change nothing of the share.
        ("H100-MIG-1g.10gb.me", GPU, Fraction(16, 132), "MIG 1g.10gb"),
        ("H100-MIG-1g.10gb+me", GPU, Fraction(16, 132), "MIG 1g.10gb"),
        ("H100", "nvidia.com/mig-1g.10gb.me.all", Fraction(16, 132), "MIG 1g.10gb"),
        ("H100", "nvidia.com/mig-1g.10gb.gfx", Fraction(16, 132), "MIG 1g.10gb"),
        ("H100-MIG-1g.10gb-me", GPU, Fraction(16, 132), "MIG 1g.10gb"),
        ("H100", "nvidia.com/mig-1c.3g.40gb", Fraction(60, 132), "MIG 3g.40gb"),
        # Sharing by turns makes no parts: each sharer may use all of the device.
        ("H100-SHARED", "nvidia.com/gpu", Fraction(1), ""),
        ("H100", "nvidia.com/gpu.shared", Fraction(1), ""),
        ("H100-MIG-1g.10gb-SHARED", GPU, Fraction(16, 132), "MIG 1g.10gb"),
        ("H100", "nvidia.com/mig-1g.10gb.shared", Fraction(16, 132), "MIG 1g.10gb"),
        # Profiles that nobody has listed: one slice more than named, or the memory if that is more.
        ("X1-MIG-1g.10gb", GPU, Fraction(2, 7), "MIG 1g.10gb"),
        ("X1-MIG-1g.40gb", GPU, Fraction(1, 2), "MIG 1g.40gb"),
        # The memory of the board that is named; of one that is not sold so, the least.
        ("X1-96GB-MIG-1g.40gb", GPU, Fraction(40, 96), "MIG 1g.40gb"),
        ("X1-500GB-MIG-1g.40gb", GPU, Fraction(1, 2), "MIG 1g.40gb"),
        ("X1-96GB", "nvidia.com/mig-1g.40gb", Fraction(40, 96), "MIG 1g.40gb"),
        ("X1-MIG-6g.40gb", GPU, Fraction(1), ""),
        ("X1-MIG-1g.96gb", GPU, Fraction(1), ""),
        ("H100-MIG-5g.60gb", GPU, Fraction(6, 7), "MIG 5g.60gb"),
        ("H100-MIG-7g.80gb", GPU, Fraction(1), ""),
        # What is no profile, and chips that are not cut: whole.
        ("H100-MIG-INVALID", GPU, Fraction(1), ""),
        ("H100-MIG-1g", GPU, Fraction(1), ""),
        ("H100-MIG-1g.10gb.turbo", GPU, Fraction(1), ""),
        ("H100-MIG-0x1g.10gb", GPU, Fraction(1), ""),
        ("L4-MIG-1g.5gb", GPU, Fraction(1), ""),
        ("L4", "nvidia.com/mig-1g.5gb", Fraction(1), ""),
        # Name and key of different parts: the larger.
        ("H100-MIG-1g.10gb", "nvidia.com/mig-3g.40gb", Fraction(60, 132), "MIG 3g.40gb"),
        ("H100-MIG-3g.40gb", "nvidia.com/mig-1g.10gb", Fraction(60, 132), "MIG 3g.40gb"),
        ("H100-MIG-1g.10gb", "nvidia.com/mig-weird", Fraction(1), ""),
        # AMD partitions
        ("MI300X", "amd.com/gpu", Fraction(1), ""),
        ("MI300X-CPX", "amd.com/gpu", Fraction(1, 8), "CPX"),
        ("MI300X-cpx_nps4", "amd.com/gpu", Fraction(1, 8), "CPX"),
        ("MI300X", "amd.com/cpx_nps4", Fraction(1, 8), "CPX"),
        ("MI300X", "amd.com/qpx_nps1", Fraction(1, 4), "QPX"),
        ("MI300X", "amd.com/dpx_nps2", Fraction(1, 2), "DPX"),
        ("MI300X", "amd.com/spx_nps1", Fraction(1), ""),
        ("MI300X-CPX", "amd.com/spx_nps1", Fraction(1), ""),
        ("MI300X", "amd.com/tpx_nps1", Fraction(1), ""),
        # Neuron
        ("Trainium2", "aws.amazon.com/neuron", Fraction(1), ""),
        ("Trainium2", "aws.amazon.com/neurondevice", Fraction(1), ""),
        ("Trainium2", "aws.amazon.com/neuroncore", Fraction(1, 4), "NeuronCore"),
        ("Trainium2-LNC1", "aws.amazon.com/neuroncore", Fraction(1, 8), "NeuronCore LNC1"),
        ("Trainium2-LNC2", "aws.amazon.com/neuroncore", Fraction(1, 4), "NeuronCore LNC2"),
        ("Trainium2-LNC8", "aws.amazon.com/neuroncore", Fraction(1, 4), "NeuronCore"),
        ("Trainium2-LNC1", "aws.amazon.com/neuron", Fraction(1), ""),
        ("Trainium2-LNC1", "", Fraction(1), ""),
        ("Trainium1", "aws.amazon.com/neuroncore", Fraction(1, 2), "NeuronCore"),
    ],
)
def test_a_part_has_its_share_of_the_chip_and_a_name(product: str, resource: str, part: Fraction, label: str) -> None:
    device = find(product, resource)
    assert (device.part, device.label) == (part, label)


def test_the_rate_of_a_part_is_its_share_rounded_up() -> None:
    assert find("H100").worst_tflop_per_s == 1001
    assert find("H100", "nvidia.com/mig-1g.10gb").worst_tflop_per_s == 122  # 1001 x 16 / 132 = 121.3


def test_a_share_that_nobody_read_off_the_chip_is_said_to_be_a_guess() -> None:
    for product, resource in (
        ("X1-MIG-1g.10gb", GPU),
        ("X1-MIG-1g.96gb", GPU),
        ("H100-MIG-INVALID", GPU),
        ("L4-MIG-1g.5gb", GPU),
        ("MI300X-tpx", ""),
    ):
        assert find(product, resource).guessed
    for product, resource in (("H100-MIG-1g.10gb", GPU), ("H100-MIG-7g.80gb", GPU), ("H100", GPU), ("MI300X-cpx", "")):
        assert not find(product, resource).guessed


@pytest.mark.parametrize("profile", ["1g.10gb", "1g.20gb", "2g.20gb", "3g.40gb", "4g.40gb"])
def test_what_stands_for_an_unlisted_profile_is_above_what_an_h100_shows(profile: str) -> None:
    """The X1 is an H100 of which no profiles are listed."""
    assert find("X1", f"nvidia.com/mig-{profile}").part >= find("H100", f"nvidia.com/mig-{profile}").part


@given(
    st.sampled_from(CHIPS),
    st.from_regex(
        r"(mig-[1-7]g\.[1-9][0-9]?gb|[sdtqc]px_nps[14]|lnc[0-9]|neuroncore)?[a-z0-9.+-]{0,4}", fullmatch=True
    ),
    st.from_regex(r"(mig-[1-7]g\.[1-9][0-9]?gb|[sdtqc]px_nps[14]|neuroncore)?(\.shared)?", fullmatch=True),
)
def test_a_device_is_found_again_by_its_own_name(chip: Accelerator, tail: str, resource: str) -> None:
    found = CATALOGUE.find(f"{chip.name}-{tail}", resource)
    if found is not None:
        assert find(found.name) == found
        assert 0 < found.part <= 1
        assert (found.part == 1) == (found.label == "")


def test_a_part_above_the_whole_or_of_nothing_is_refused() -> None:
    for share in (Fraction(0), Fraction(9, 8), Fraction(-1, 8)):
        with pytest.raises(InvalidInput):
            chip("X", "amd", {"cpx": share})
        with pytest.raises(InvalidInput):
            Device(H100, share)
