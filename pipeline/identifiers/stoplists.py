"""Words that look like a name and are none: drugs, diseases with a name, scales, bodies, months, interjections."""

import re

_DRUGS = """
abilify adcal adizem adalimumab alendronate alendronic allopurinol amiodarone amitriptyline amlodipine amoxicillin
apixaban
aripiprazole aspirin atenolol atorvastatin augmentin azithromycin baclofen beconase bendroflumethiazide betahistine
bisoprolol botox brufen buccastem budesonide bumetanide buprenorphine calpol canesten candesartan carbamazepine
carbimazole
cefalexin celecoxib cerazette cetirizine champix chlorphenamine cialis ciprofloxacin citalopram clarithromycin clenil
clexane clonazepam clopidogrel clozapine cocodamol codeine colchicine concerta covonia creon cyclizine dabigatran
dapagliflozin deltacortril depakote dermol dioralyte dexamethasone diazepam diclofenac digoxin diltiazem diprobase
docusate domperidone
donepezil dosulepin doxazosin doxycycline duloxetine e45 edoxaban elidel eliquis empagliflozin emla enalapril
enoxaparin
epilim ensure entresto epipen erythromycin escitalopram esomeprazole estriol evorel exenatide ezetimibe felodipine
fentanyl
ferrous fexofenadine finasteride flixonase flixotide flucloxacillin fluoxetine fluticasone folic forxiga fortisip
fostair fucidin
furosemide gabapentin gaviscon gliclazide glucagon gtn haloperidol heparin humalog humira hydrocortisone
hydroxychloroquine
ibuprofen imodium implanon indapamide infliximab insulin ipratropium irbesartan isosorbide jardiance januvia keppra
ketamine kliovance lactulose lamotrigine lansoprazole lantus largactil latanoprost laxido lemsip letrozole leukeran
levemir levetiracetam levothyroxine linagliptin lisinopril lithium loperamide loratadine lorazepam losartan lucozade
lyrica
macrogol madopar marevan mebeverine meloxicam memantine mesalazine metformin methadone methotrexate metoclopramide
metoprolol metronidazole microgynon midazolam mirena mirtazapine modafinil montelukast morphine mounjaro movicol
naloxone
naproxen nexplanon nicorandil nicorette nifedipine nitrofurantoin noriday nortriptyline novorapid nurofen nystatin
olanzapine omeprazole ondansetron opiate oramorph orlistat otomize oxybutynin oxycodone oxycontin oxynorm ozempic
bactroban betnovate melatonin modulite xanax clenil easyhaler fostair turbohaler accuhaler respimat diarolyte dettol
savlon
pantoprazole paracetamol paroxetine penicillin pepto phenytoin piriton plavix pramipexole pregabalin prednisolone
premarin
priadel prochlorperazine propranolol prozac pulmicort qvar quetiapine quinine qutenza ramipril ranitidine relvar
remicade
rennies rennie risperidone ritalin rituximab rivaroxaban rosuvastatin salbutamol sando saxenda senna senokot seretide
sertraline serc sildenafil simvastatin sinemet sitagliptin solpadeine spiriva spironolactone stemetil strepsils
sudocrem suboxone sulfasalazine sumatriptan symbicort tamoxifen tamsulosin tegretol temazepam terbinafine tirzepatide
tiotropium tolterodine topiramate tramadol trazodone trimbow trimethoprim trulicity valium valproate valsartan
varenicline
venlafaxine ventolin verapamil viagra victoza voltarol warfarin wegovy xarelto xenical zapain zolpidem zomorph
zopiclone zoladex
"""
_EPONYMS = """
addison alzheimer apgar babinski baker barrett behcet bell bishop braden broca burkitt charcot cheyne chiari chron
colles
conn coombs crohn cushing dupuytren down ehlers epstein erb ewing fallot fournier freud glasgow gilbert gillick fraser
gleason goodpasture graves guillain barré hashimoto hirschsprung hodgkin horner huntington kaposi kawasaki korsakoff
kussmaul
lyme marfan meniere ménière munchausen murphy noonan osgood paget parkinson peyronie raynaud reye romberg rinne
schlatter
sjogren sjögren snellen stokes tourette turner von waterlow weber wernicke wilson wilms zollinger barthel beck bristol
caldicott trendelenburg valsalva heimlich hickman foley doppler holter bradford hill bolam shipman francis hewitt
kennedy
ockenden kirkup montgomery berwick darzi marmot balint kolb johari maslow kotter gibbs schon schön revans rogerian
deming
shewhart gantt likert pareto chatham lewy barre hallpike dix epley ludwig meckel mallory osler quincke still takayasu
whipple wells rockwood bournemouth edinburgh hamilton hawthorne heath bart
"""
_COMMON = """
vitamin vitamins omega blood group patient's nobody's somebody's
patient patients client child baby boy girl widow teenager pensioner clinician gp participation experience liaison
initiated activation
group outcomes records record reported advice choice feedback voices forum panel access line call calls name names
male female
itchy runny thyroid irregular regular sort kind swollen sore email telephone postcode address nhs dob mrn wifi covid
uh uhh um umm er erm hm hmm mm mmm ah ahh hah aw ooh oops eh yup yeh nah gotcha ta
a about actually advice after afternoon again age ah aha all allergies also although always am an and angina another
antibiotics anxiety any anybody
anyone anything anyway are as asthma at august autumn because bed before being best blood both brexit brilliant but by
bye can care
cancer carers cheers children christmas chair choose clinic clinical clinicians colleagues college community
consultants copd covid cool could cough
dad data day dear december dementia department diabetes did digital do doctor doctors does don done each early easter
eight either emergency
england english europe european even evening ever every everybody everyone everything exactly excellent facilitator
fair family february finally fine first five
flu for four friday from gentleman god gone good goodbye goodness google gosh government gp gran grandma great
guidance had happy has have haven
he health heart hello hello help her here hey hi him his hiya home honestly hospital hot how however i if imagine in
indeed interestingly internet is isn
it its january jesus jolly july june just lady last let like listen lockdown london lord lots lovely luckily man
management many manager march matron may maybe me
medical medicine men mental midwives might mine minister mm monday morning most mother mr mrs mum my nan national
never new next nhs night nine
no nobody none nope nor not nothing november now number nurse nurses obviously october of oh ok okay okey old on once
one only
or other others our out over paediatrics pain pardon people perfect perhaps pharmacist pharmacists pharmacy please
pneumonia podcast practice pregnant primary prime probably prof
professor programme quality question quite radiology rather reception receptionist receptionists red reflux registrar
relatives right righty rightyho royal safe safety
saturday say school scotland second secondly secretary see send september service services set seven several shall she
shingles should sister sit six skype so social some
somebody someone something sometimes sorry spring staff state still stroke such summer sunday super sure surgeon
surgery surgical take tea team teams ten thank thanks that
the their them then there therefore these they thing things third this those three thursday to today together tomorrow
tonight too triage trust trusts tuesday two ultimately um
under unfortunately unit until up us usually very vicar ward was we wednesday week weekend welcome well were west what
whatever when where whether which while who
whoever why will winter with without women wonderful word would wow yeah year years yep yes yesterday yet you young
your zoom
cardiology oncology orthopaedics dermatology neurology urology gynaecology physiotherapy physio podiatry dietetics
psychiatry pathology a&e itu icu
wales welsh scottish ireland irish british britain manchester leeds liverpool birmingham bristol sheffield newcastle
leicester nottingham
yorkshire lancashire cumbria devon cornwall kent essex sussex surrey norfolk suffolk dorset somerset oxford cambridge
york durham salford bolton
bradford hull derby stoke wigan bury oldham rochdale stockport tameside trafford north south east midlands wessex
mersey thames tyne humber
action learning learner learners reflection learning choose book whatsapp microsoft excel outlook facebook twitter
instagram youtube netflix
chatgpt alexa siri apple amazon tesco sainsbury's boots lloyds asda greggs babylon emis systmone nice cqc icb pcn pals
healthwatch macmillan marie curie samaritans mind
catholic muslim hindu sikh jewish christian polish french german spanish italian indian chinese african asian
caribbean somali urdu punjabi
body mass index early warning score scale coma white paper
carer key keys grade requisition long term plan five year forward view deep end
"""


def listed(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


EPONYMS = listed(_EPONYMS)
_STOPPED = listed(_DRUGS) | EPONYMS | listed(_COMMON)
_INTERJECTION = re.compile(r"[aeou]+h+m*|[uaeo]*m+|m+h+m*|h+m+|[aeo]+w+|a+r+g+h+")
_ADVERB = re.compile(r"\w{2,}(?:ially|ically|ously|ently|antly|ingly|edly|fully|ately|tunately)")
_OWNERSHIP = re.compile(r"['\u2019]s?$")
_ENDINGS = tuple(
    listed(
        "statin mab pril sartan azole cillin mycin olol dipine gliptin gliflozin glutide xaban prazole setron triptan"
        " azepam floxacin oxetine caine tidine parin itis osis emia aemia ology ectomy oscopy algia opathy uria"
    )
)


def is_stopped(word: str) -> bool:
    """Say whether a word, or every one of several, is known to be no person's name."""
    return all(_is_stopped(part) for part in re.split(r"[\s-]+", word.strip().lower()) if part)


def is_no_surname(word: str) -> bool:
    """Say whether a word is known to be no person's name even after a first name: "Bell" is, "Monday" is not."""
    return is_stopped(word) and _OWNERSHIP.sub("", word.lower()) not in EPONYMS


def _is_stopped(word: str) -> bool:
    plain = _OWNERSHIP.sub("", word.strip('.,;:!?"()'))
    if _INTERJECTION.fullmatch(plain) or _ADVERB.fullmatch(plain):
        return True
    return plain in _STOPPED or plain.endswith(_ENDINGS) or any(char.isdigit() for char in plain)
