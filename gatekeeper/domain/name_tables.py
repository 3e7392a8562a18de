"""What is known about the words and letters of names: legal forms, abbreviations, alphabets.

Made for this project from what company registers and contracts print; no table of others was taken. A legal form is
written as `names` reads it: small letters, no marks, dots dropped from abbreviations, words apart.
"""

from __future__ import annotations

# One line a legal system, one form after each other; a form of several words is taken before its parts.
_FORMS = """
gmbh|ges mbh|gesmbh|gesellschaft mit beschrankter haftung|mbh|gmbh and co kg|gmbh co kg|gmbh u co kg|ag
aktiengesellschaft|ag and co kg|kg|kommanditgesellschaft|kgaa|ohg|ug|ug haftungsbeschrankt|haftungsbeschrankt|gbr|eg
ev|e v|e k
ltd|limited|co ltd|co limited|company limited|pty|pty ltd|proprietary limited|pte|pte ltd|pvt|pvt ltd
private limited|private ltd|plc|public limited company|llp|lp|limited partnership|limited liability partnership
company|co|cos|cic
inc|incorporated|corp|corporation|llc|l l c|pllc|limited liability company|pc|na
sa|s a|societe anonyme|sarl|societe a responsabilite limitee|sas|sasu|societe par actions simplifiee|snc|sci|eurl
sca|gie|sprl|bvba|srl|bv|b v|nv|n v|besloten vennootschap|naamloze vennootschap|vof|cv
spa|societa per azioni|societa a responsabilita limitata|s r l|sapa|sl|s l|slu|sau|sociedad limitada
sociedad anonima|sa de cv|s a de c v|s de rl|s de rl de cv|sab de cv|sociedad anonima de capital variable|sas de cv
ltda|limitada|lda|eireli|cia|compania|companhia|sgps|me|epp
ab|aktiebolag|aktiebolaget|hb|as|a s|aksjeselskap|asa|aps|anpartsselskab|aktieselskab|oy|oyj|osakeyhtio|ehf|hf|ou
as oy|uab|sia
spzoo|sp zoo|sp z oo|sp z o o|spolka z ograniczona odpowiedzialnoscia|spolka akcyjna|sp k|sro|s r o|spol s ro
spol s r o|kft|korlatolt felelossegu tarsasag|zrt|nyrt|rt|doo|d o o|dd|d d|ad|a d|ead|eood|ood|dooel
ooo|oao|ao|zao|pao|ojsc|pjsc|cjsc|jsc|open joint stock company|public joint stock company|closed joint stock company
joint stock company|joint stock co|public joint stock|fgup|gup|fsue|federal state unitary enterprise
federalnoe gosudarstvennoe unitarnoe predpriiatie|federalnoe gosudarstvennoe unitarnoe predpriyatie
obshchestvo s ogranichennoi otvetstvennostiu|obshchestvo s ogranichennoy otvetstvennostyu
otkrytoe aktsionernoe obshchestvo|publichnoe aktsionernoe obshchestvo|zakrytoe aktsionernoe obshchestvo
aktsionernoe obshchestvo|nao|ip|tov|pat|prat|at|too|tovarystvo z obmezhenoiu vidpovidalnistiu|tdv|dp|chp
kk|k k|kabushiki kaisha|kabushiki gaisha|yk|yugen kaisha|godo kaisha|gk
sdn bhd|sendirian berhad|berhad|bhd|pt|perseroan terbatas|tbk|persero|ud|cong ty|cong ty tnhh|cong ty co phan|tnhh
jv|public company limited|pcl
anonim sirketi|anonim sirket|limited sirketi|ltd sti|sti|san ve tic|ve ticaret|tic
fze|fzco|fz co|fz llc|fzc|free zone company|free zone establishment|dmcc|dwc llc|wll|w l l|est|establishment|pjs|psc
private joint stock company|saoc|saog|bsc|kscc|kscp|sharikat
sae|sal|sarlau|spc|sp|kd|komanditno drustvo|scrl|scs|sc|pp|ska|stichting|ae|epe|ike|anonymi etaireia|ltee|ulc
holding|holdings|group|groupe|grupo|gruppe|konzern|group company|group corporation
"""
FORMS: frozenset[tuple[str, ...]] = frozenset(
    tuple(form.lower().split()) for line in _FORMS.split("\n") for form in line.split("|") if form.strip()
)

# Longest first: the shorter ones are parts of them.
CJK_FORMS: tuple[str, ...] = tuple(
    sorted(
        [
            "股份有限公司",
            "有限责任公司",
            "有限責任公司",
            "有限公司",
            "集团公司",
            "集團公司",
            "总公司",
            "公司",
            "集团",
            "集團",
            "株式会社",
            "株式會社",
            "有限会社",
            "合同会社",
            "合資会社",
            "合名会社",
            "주식회사",
            "유한회사",
            "유한책임회사",
            "합자회사",
            "(株)",
            "(有)",
            "(주)",
            "厂",
            "廠",
        ],
        key=len,
        reverse=True,
    )
)

# Words that join others.
CONNECTING: frozenset[str] = frozenset(
    [
        "of",
        "the",
        "and",
        "for",
        "in",
        "at",
        "de",
        "la",
        "le",
        "les",
        "du",
        "des",
        "del",
        "der",
        "die",
        "das",
        "und",
        "et",
        "y",
        "e",
        "i",
        "et",
        "von",
        "van",
        "dos",
        "da",
        "do",
        "di",
        "per",
        "no",
        "nr",
        "the",
    ]
)

# Written out, in one spelling.
ABBREVIATIONS: dict[str, str] = {
    short: full
    for line in """
university univ universitet universitat universite universidad universita universiteit
institute inst institut instituto instytut
technology technologies technologie tekhnologii tekhnologiya keji technol
technical tekhnicheskii tekhnicheskiy technische technique
state gosudarstvennyi gosudarstvennyy gosudarstvennii
laboratory lab labs laboratories laboratoriya laboratoire
manufacturing mfg manuf manufacture
engineering eng engg
international intl int internationale internacional
industries ind industry industrial indus
electronics electronic elec electron
services svc svcs service
systems sys system
center centre ctr tsentr zentrum centro
department dept
national natl
research rsch
development dev
trading trade
import imp
export exp
management mgmt
science sciences sci
association assn assoc
brothers bros
number no num
equipment equip equipments
communication communications comm
instrument instruments
product products
material materials
part parts
circuit circuits
machine machines machinery
semiconductor semiconductors
military mil
corporation korporatsiya
turbine turbines turbin
""".strip().split("\n")
    for full, *shorts in [line.split()]
    for short in shorts
}
ABBREVIATIONS |= {"npo": "scientific production association", "nii": "research institute", "okb": "design bureau"}
del ABBREVIATIONS["no"]

NUMBER_WORDS: dict[str, str] = {
    word: str(number)
    for number, words in enumerate(
        (
            "first i one 1", "second ii two", "third iii three", "fourth iv four", "fifth v five", "sixth vi six",
            "seventh vii seven", "eighth viii eight", "ninth ix nine", "tenth x ten", "eleventh xi eleven",
            "twelfth xii twelve",
        ),
        1,
    )
    for word in words.split()
    if len(word) > 1
}  # fmt: skip

# Not taken apart by Unicode's own decomposition.
SPECIAL_LETTERS: dict[str, str] = {
    "ß": "ss", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ŋ": "ng", "ħ": "h",
    "ə": "a", "ŧ": "t", "ĸ": "k",
}  # fmt: skip

# How letters of other alphabets sound, after what passports and registers print.
SOUNDS: dict[str, str] = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu",
    "я": "ya", "і": "i", "ї": "yi", "є": "ye", "ґ": "g", "ў": "u", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c",
    "ђ": "dj", "џ": "dz", "ѕ": "dz", "ќ": "k", "ѓ": "g", "ә": "a", "ғ": "g", "қ": "k", "ң": "n", "ө": "o", "ұ": "u",
    "ү": "u", "һ": "h",
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
    "χ": "ch", "ψ": "ps", "ω": "o", "ά": "a", "έ": "e", "ή": "i", "ί": "i", "ό": "o", "ύ": "y", "ώ": "o", "ϊ": "i",
    "ΐ": "i", "ϋ": "y", "ΰ": "y",
}  # fmt: skip

# What they look like beside Latin letters, small or capital (casefolded: "Н" looks like "H", "В" like "B").
LOOKALIKES: dict[str, str] = {
    "а": "a", "в": "b", "е": "e", "ё": "e", "к": "k", "м": "m", "н": "h", "о": "o", "р": "p", "с": "c", "т": "t",
    "у": "y", "х": "x", "і": "i", "ї": "i", "ј": "j", "ѕ": "s", "һ": "h", "ԁ": "d", "ԛ": "q", "ԝ": "w", "г": "r",
    "п": "n", "и": "u", "ӏ": "l", "ь": "b", "з": "3",
    "α": "a", "β": "b", "ε": "e", "ζ": "z", "η": "h", "ι": "i", "κ": "k", "μ": "m", "ν": "n", "ο": "o", "ρ": "p",
    "τ": "t", "υ": "y", "χ": "x", "γ": "y", "ω": "w", "ϲ": "c", "ϳ": "j", "σ": "o",
    "ɑ": "a", "ɡ": "g", "ɩ": "i", "ʏ": "y", "ո": "n", "օ": "o", "ѵ": "v", "ⅼ": "l", "ց": "g", "հ": "h", "ѡ": "w",
}  # fmt: skip

# Words that so many names have that sharing one says little: kinds of enterprise, trades, directions, places.
COMMON_WORDS: frozenset[str] = frozenset(
    [
        "university",
        "institute",
        "technology",
        "technical",
        "tech",
        "state",
        "laboratory",
        "manufacturing",
        "engineering",
        "international",
        "industries",
        "electronics",
        "services",
        "systems",
        "center",
        "department",
        "national",
        "research",
        "development",
        "trading",
        "import",
        "export",
        "management",
        "science",
        "association",
        "brothers",
        "equipment",
        "communication",
        "instruments",
        "product",
        "material",
        "part",
        "circuits",
        "machinery",
        "semiconductors",
        "military",
        "company",
        "group",
        "bureau",
        "design",
        "office",
        "branch",
        "plant",
        "factory",
        "works",
        "production",
        "scientific",
        "central",
        "general",
        "global",
        "universal",
        "world",
        "united",
        "new",
        "north",
        "south",
        "east",
        "west",
        "northern",
        "southern",
        "eastern",
        "western",
        "northeast",
        "northwest",
        "southeast",
        "southwest",
        "advanced",
        "applied",
        "high",
        "precision",
        "special",
        "digital",
        "data",
        "information",
        "computing",
        "computer",
        "software",
        "hardware",
        "network",
        "networks",
        "energy",
        "power",
        "electric",
        "electrical",
        "oil",
        "gas",
        "petroleum",
        "chemical",
        "chemicals",
        "steel",
        "metal",
        "metals",
        "mining",
        "marine",
        "maritime",
        "shipping",
        "logistics",
        "transport",
        "aviation",
        "aerospace",
        "aero",
        "space",
        "defense",
        "defence",
        "security",
        "academy",
        "college",
        "school",
        "polytechnic",
        "medical",
        "health",
        "pharma",
        "pharmaceutical",
        "food",
        "foods",
        "agriculture",
        "construction",
        "building",
        "investment",
        "investments",
        "capital",
        "fund",
        "finance",
        "financial",
        "bank",
        "insurance",
        "commercial",
        "commerce",
        "enterprise",
        "enterprises",
        "solutions",
        "consulting",
        "supply",
        "automation",
        "automatic",
        "intelligent",
        "intelligence",
        "robotics",
        "optical",
        "optics",
        "photonics",
        "laser",
        "radio",
        "nuclear",
        "physics",
        "micro",
        "nano",
        "bio",
        "auto",
        "automotive",
        "motor",
        "motors",
        "engine",
        "engines",
        "ship",
        "shipbuilding",
        "shipyard",
        "naval",
        "air",
        "water",
        "deep",
        "first",
        "great",
        "golden",
        "red",
        "blue",
        "silver",
        "star",
        "corporation",
        "integrated",
        "performance",
        "project",
        "commodities",
        "exploration",
        "federal",
        "republic",
        "people",
        "peoples",
        "city",
        "elektronika",
        "avtomatika",
        "energo",
        "logistika",
        "tekhnika",
        "zavod",
        "kombinat",
        "sudostroitelnyi",
        "denki",
        "kikai",
        "seisakusho",
        "sanaye",
        "beijing",
        "shanghai",
        "shenzhen",
        "guangzhou",
        "wuhan",
        "nanjing",
        "harbin",
        "dalian",
        "shenyang",
        "tianjin",
        "chengdu",
        "xian",
        "hangzhou",
        "hong",
        "kong",
        "china",
        "chinese",
        "moscow",
        "russia",
        "russian",
        "siberia",
        "siberian",
        "ural",
        "petersburg",
        "tehran",
        "iran",
        "iranian",
        "tabriz",
        "dubai",
        "uae",
        "istanbul",
        "turkey",
        "delhi",
        "india",
        "indian",
        "singapore",
        "malaysia",
        "jakarta",
        "tokyo",
        "japan",
        "osaka",
        "seoul",
        "korea",
        "pyongyang",
        "london",
        "paris",
        "berlin",
        "europe",
        "european",
        "asia",
        "asian",
        "america",
        "american",
        "africa",
        "pacific",
        "atlantic",
        "baltic",
        "mo",
        "al",
        "el",
        "bin",
        "ibn",
        "abu",
        "abd",
        "abdul",
        "北京",
        "上海",
        "深圳",
        "广州",
        "中国",
        "东京",
        "東京",
        "서울",
    ]
)
