"""The words around a number that say what it is: an NHS number, a telephone number, a service's line, a result."""

import re

from pipeline.identifiers.patterns import Pattern

NAMED_NHS = Pattern(
    r"(?:\bN\.?\s?H\.?\s?S\.?|\bhealth service|\bCHI|\bN H S)\s*,?\s*(?:number|no\b|num\b|nr\b|id\b|identifier|#)",
    re.IGNORECASE,
)
NAMED_NUMBER = Pattern(
    r"\b(?:numbers?(?!\s(?:of|went|were|fell|rose|are))|nhs|digits|wristband|band|sticker|label|spine|identifier"
    r"|(?:patient|pt|record|case)\sid|look(?:ed|ing)?\s(?:him|her|them|it)\sup|typed?|keyed|search(?:ed)?)\b",
    re.IGNORECASE,
)
NAMED_PHONE = Pattern(
    r"\b(?:phones?|phoned|telephone|tel|mobile|mob|landline|ring|rings|rang|call|calls|called|text|texted|whats ?app"
    r"|dial|contact(?:able)?|reach|her number|his number|their number|my number|home number|work number)\b",
    re.IGNORECASE,
)
NAMED_SERVICE = Pattern(
    r"\b(?:helplines?|help line|hotline|advice line|crisis (?:line|team)|samaritans|switchboard|booking line|bookings"
    r"|out[- ]of[- ]hours|press office|information line|reception|enquiries|front desk|surgery|practice|service desk"
    r"|freephone|careline|support line|24[- ]hour|hub|single point of access|bleep|main number|ward|office|clinic)\b",
    re.IGNORECASE,
)
IS_SERVICE = Pattern(
    r",?\s(?:is|was|goes to|reaches|gets you|for)\s(?:the|our|a)\s(?:\w+\s)?(?:switchboard|helpline|hotline"
    r"|reception|surgery|practice|main|"
    r"booking|press|advice|out|ward|office|hub)",
    re.IGNORECASE,
)
PERSONAL = Pattern(
    r"\b(?:her|his|hers|patient|mum|mother|dad|father|son|daughter|wife|husband|brother|sister|carer|neighbour"
    r"|mrs?|miss"
    r"|ms|mobile|home|me|my|him|next of kin|nan|gran)\b",
    re.IGNORECASE,
)
REFERENCE = Pattern(
    r"\b(?:isbn|issn|doi|pmid|pubmed|isrctn|nct|eudract|arxiv|policy|version|charity|company|build|sop|licen[cs]e|grant"
    r"|trial|barcode|batch|lot|catalogue|model|serial|part|order|invoice|purchase order|po|tender|sku|vat|ods|snomed"
    r"|delivery note|consignment(?: note)?|tracking|despatch|dispatch|pallet|asset|contract|quotation"
    r"|read code|dm\+d|code|standard|circular|hsc|episode|ean|gtin)"
    r"(?:-1[03])?(?:['\u2019]s)?[\s:#.,()]{0,3}(?:(?:number|numbers|no|code|id|ref|reference|registration|concept|is|was"
    r"|of|the|it's|say|says)(?:['\u2019]s)?[\s:#.,]{0,3}){0,3}"
    r"(?:(?:from|for|on)\s(?:(?:the|our|my|that)\s)?(?:\w{2,15}\s){1,3}(?:is|was|says|said|read|reads)[\s:,]{1,2})?$",
    re.IGNORECASE,
)
ISBN = Pattern(r"\bISBN(?:-1[03])?\W{0,3}(?:(?:number|is|was|for|it's)\W{1,2}){0,3}$", re.IGNORECASE)
CURRENCY = Pattern(r"[\u00a3$\u20ac]\s?$|\b(?:GBP|EUR|USD)\s?$")
COUNTED = Pattern(
    r"\s*(?:pounds?|euros?|dollars?|quid|pence|people|patients?|residents|appointments|contacts|doses|steps|cells|units"
    r"|genomes?|records|rows|copies|iu|mg|ml|per\b|%|million|billion|downloads|listeners|words|bytes)",
    re.IGNORECASE,
)
OF_MONTH = Pattern(r"\s(?:of\s)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b", re.IGNORECASE)
RESULTS = Pattern(
    r"\b(?:hba1c|sodium|potassium|creatinine|urea|egfr|crp|hb|h[ae]+moglobin|platelets?|white cells?|ferritin|bp"
    r"|blood pressures?|pressures?|pulse|peak flows?|sats|saturations?|sugars?|glucose|weights?|readings?"
    r"|results?|scores?"
    r"|levels?|temperatures?|doses?|figures|scored|counts?|ratios?|numbers went|years?|ages|aged|beds|wards|bays|rooms"
    r"|weeks?|days?|hours?|milligrams?|mg|inr|psa|alt|ast|tsh|bnp|troponins?|phq|gad|news|gcs|bmi|cholesterol)\b",
    re.IGNORECASE,
)
