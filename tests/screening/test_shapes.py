"""Lists in the shapes in which their publishers really have them: what is odd about each."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.list_files import read_list
from tests.screening.test_files import written

# The header of the file of 2026; its order has not changed since 2017.
CSL_HEADER = (
    "_id,source,entity_number,type,programs,name,title,addresses,federal_register_notice,start_date,end_date,"
    "standard_order,license_requirement,license_policy,call_sign,vessel_type,gross_tonnage,gross_registered_tonnage,"
    "vessel_flag,vessel_owner,remarks,source_list_url,alt_names,citizenships,dates_of_birth,nationalities,"
    "places_of_birth,source_information_url,ids"
)
SPACE = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports"
SDN_XML = f"""<?xml version="1.0" standalone="yes"?>
<sdnList xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="{SPACE}/XML">
  <publshInformation><Publish_Date>06/22/2026</Publish_Date><Record_Count>2</Record_Count></publshInformation>
  <sdnEntry><uid>36</uid><lastName>ZARYA AIR LINES</lastName><sdnType>Entity</sdnType>
    <programList><program>CUBA</program></programList>
    <akaList><aka><uid>12</uid><type>a.k.a.</type><category>strong</category><lastName>AERO-ZARYA</lastName></aka></akaList>
    <addressList><address><uid>25</uid><city>Havana</city><country>Cuba</country></address></addressList></sdnEntry>
  <sdnEntry><uid>37</uid><firstName>Sergey</firstName><lastName>OVSYANNIKOV</lastName><sdnType>Individual</sdnType>
    <programList><program>SDGT</program><program>IRGC</program></programList></sdnEntry>
</sdnList>
"""
ADVANCED = f"""<?xml version="1.0" encoding="utf-8"?>
<Sanctions xmlns="{SPACE}/ADVANCED_XML">
 <ReferenceValueSets>
  <PartySubTypeValues><PartySubType ID="4" PartyTypeID="1">Individual</PartySubType></PartySubTypeValues>
  <NamePartTypeValues><NamePartType ID="1520">Last Name</NamePartType><NamePartType ID="1521">First Name</NamePartType>
  </NamePartTypeValues>
 </ReferenceValueSets>
 <DistinctParties><DistinctParty FixedRef="2674"><Profile ID="2674" PartySubTypeID="4"><Identity ID="1" Primary="true">
  <Alias AliasTypeID="1400" Primary="false" LowQuality="true"><DocumentedName>
   <DocumentedNamePart><NamePartValue NamePartGroupID="9" ScriptID="215">The Smith</NamePartValue></DocumentedNamePart>
  </DocumentedName></Alias>
  <Alias AliasTypeID="1403" Primary="true"><DocumentedName>
   <DocumentedNamePart><NamePartValue NamePartGroupID="7" ScriptID="215">ABBAS</NamePartValue></DocumentedNamePart>
   <DocumentedNamePart><NamePartValue NamePartGroupID="8" ScriptID="215">Abu</NamePartValue></DocumentedNamePart>
  </DocumentedName><DocumentedName>
   <DocumentedNamePart><NamePartValue NamePartGroupID="7" ScriptID="160">عباس</NamePartValue></DocumentedNamePart>
  </DocumentedName></Alias>
  <NamePartGroups><MasterNamePartGroup><NamePartGroup ID="7" NamePartTypeID="1520"/></MasterNamePartGroup>
   <MasterNamePartGroup><NamePartGroup ID="8" NamePartTypeID="1521"/></MasterNamePartGroup></NamePartGroups>
 </Identity></Profile></DistinctParty></DistinctParties>
 <SanctionsEntries><SanctionsEntry ID="1" ProfileID="2674" ListID="1550">
  <SanctionsMeasure ID="2" SanctionsTypeID="1"><Comment>SDGT</Comment></SanctionsMeasure>
  <SanctionsMeasure ID="3" SanctionsTypeID="2"><Comment/></SanctionsMeasure></SanctionsEntry></SanctionsEntries>
</Sanctions>
"""


def test_a_denied_person_has_no_number_a_blank_before_the_name_and_an_address_without_country(tmp_path: Path) -> None:
    row = (
        "e5a9,Denied Persons List (DPL) - Bureau of Industry and Security,,,, JOHN EXAMPLE,,"
        '"123 S. TEST DRIVE, SCOTTSDALE, AZ, 85251",82 F.R. 48792,2017-10-18,2027-10-15,Y' + "," * 17
    )
    (entry,) = read_list(written(tmp_path, "csl.csv", f"\ufeff{CSL_HEADER}\r\n{row}\r\n"), "csl").entries
    assert (entry.names, entry.number, entry.countries) == (("JOHN EXAMPLE",), "e5a9", ())


def test_one_number_on_two_lists_and_lines_within_a_field_are_read(tmp_path: Path) -> None:
    source = ("Entity List (EL)", "Specially Designated Nationals (SDN)")
    rows = [f'a{at},{each},77,,,"Zarya\r\nPlant {at}"' + "," * 23 for at, each in enumerate(source)]
    read = read_list(written(tmp_path, "csl.csv", "\r\n".join([CSL_HEADER, *rows])), "csl")
    assert [each.names for each in read.entries] == [("Zarya Plant 0",), ("Zarya Plant 1",)]
    assert len({each.key for each in read.entries}) == 2


def test_ofacs_addresses_give_countries_by_their_names(tmp_path: Path) -> None:
    sdn = '36,"ZARYA AIR LINES",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n\x1a'
    add = '36,25,-0- ,"Havana","Cuba",-0- \r\n36,26,"1 Road","Tomsk 634000","Russia",-0- \r\n\x1a'
    (entry,) = read_list(written(tmp_path, "SDN.CSV", sdn), "sdn", add=written(tmp_path, "ADD.CSV", add)).entries
    assert entry.countries == ("CU", "RU")


def test_names_for_an_entry_that_is_not_there_are_of_another_days_file(tmp_path: Path) -> None:
    sdn, alt = written(tmp_path, "sdn.csv", '36,"ZARYA",-0- ,"CUBA"\r\n'), '37,1,"aka","KORVET",-0- \r\n'
    with pytest.raises(InvalidInput, match=r"alt\.csv:1: ent_num: 37 is no entry of the list"):
        read_list(sdn, "sdn", alt=written(tmp_path, "alt.csv", alt))


def test_ofacs_xml_is_read(tmp_path: Path) -> None:
    first, second = read_list(written(tmp_path, "SDN.XML", SDN_XML), "sdn").entries
    assert (first.names, first.countries, first.kind) == (("ZARYA AIR LINES", "AERO-ZARYA"), ("CU",), "entity")
    assert (second.names, second.programs) == (("Sergey OVSYANNIKOV",), ("IRGC", "SDGT"))


def test_ofacs_advanced_xml_puts_names_together_in_each_alphabet_with_the_primary_one_first(tmp_path: Path) -> None:
    (entry,) = read_list(written(tmp_path, "SDN_ADVANCED.XML", ADVANCED), "sdn").entries
    assert entry.names == ("Abu ABBAS", "عباس", "The Smith")
    assert (entry.number, entry.kind, entry.programs) == ("2674", "individual", ("SDGT",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><sdnList/>', "document type"),
        (SDN_XML[:-20], "no whole XML"),
        ('<?xml version="1.0" encoding="UTF-7"?><sdnList/>', "no whole XML"),
        (SDN_XML.replace("<lastName>ZARYA AIR LINES</lastName>", ""), "entry 1: name: is empty"),
        (f"<sdnList><sdnEntry><lastName>{'x' * 5_000_000}</lastName></sdnEntry></sdnList>", "more than 4,194,304"),
        ("<html><body>Not found</body></html>", "no entry"),
    ],
)
def test_xml_that_is_no_list_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_list(written(tmp_path, "sdn.xml", text), "sdn")


def test_who_watches_is_told_how_much_is_read(tmp_path: Path) -> None:
    rows = [f"a{at},SDN,{at},,,Zarya Plant {at}" + "," * 23 for at in range(5_000)]
    path, told = written(tmp_path, "csl.csv", "\n".join([CSL_HEADER, *rows])), list[tuple[int, int]]()
    read_list(path, "csl", tell=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {path.stat().st_size}
    assert 0 < told[0][0] < path.stat().st_size
