"""First names that are hardly ever another word, for text in which a model does not know them."""

_NAMES = """
aaron abdul abdullah abigail adam adeel adele adrian agata agnes agnieszka ahmed aidan aileen aisha alan alasdair
albert aled
alejandro aleksander alex alexander alexandra alfred ali alice alicia alison alistair alun amanda amelia amina amir
amit amy
ana andrea andrew andrzej aneurin angela angus anil anita anjali ann anna anne annette anthony antonio anwen archie
arjun arnold
arthur ashok asif audrey ayesha barbara barnaby barry beatrice becky ben benjamin bernadette bernard beryl bethan
betty beverley
blessing bogdan brenda brendan brian bridget bronwen bruce bryn callum calum cameron caroline catherine cathy catriona
cecil
ceri charles charlie charlotte chidi chidinma chinedu chloe christine christopher claire clare clifford clive colette
colin
connor craig cynthia cyril daisy dafydd danielle daniel danuta daphne darren david dawid debbie deborah deepa deirdre
delroy denise
dennis derek desmond diane dilys dimitri dominic donald donna doreen doris dorothy dorota douglas duncan dylan dyfed
eamonn ebony
edith edmund edna edward edwin efua eileen eilidh eirlys elaine eleanor elijah elizabeth ella ellen eloise elsie emeka
emily emma enid
eric erica ernest esther ethan ethel eugene eunice evan evelyn ewa ewan fatima fatimah fergus fiona florence folasade
francesca
francine freda frederick gareth gary gavin gemma geoff geoffrey george georgina gerald geraldine gertrude gillian
giovanni gladys glenys
glynis gordon graham grzegorz gwen gwendolyn gwyneth haley hamza hannah harold harriet harry hassan hayley hazel helen
henry herbert hilda hilary hugh hussein hywel ian ibrahim idris ifeoma imran ingrid iqbal isaac isabella isla ivan
ivor iwona jackie
jacob jacqueline jakub jamal james jamie jane janet janice janina jasmine jason jatinder javed jayne jeffrey jemima
jennifer
jenny jeremy jerome jessica jill joan joanna joanne joseph josephine joshua joyce juan judith julia julian julie
juliet justin
kamal kamil karen karim karl kasia kate katherine kathleen kathryn katie katarzyna kavita keith kelly kenneth kerry
kevin khalid kieran
kiran kirsty krishna krystyna krzysztof kwame kyle lakshmi lata laura lauren lawrence leanne leila leonard leroy
leslie lesley lewis liam
lilian lilly linda lindsay lionel lisa liz llinos lloyd lorna lorraine louisa louise lucy luke lydia lynne mabel
maciej madeleine magda
mahmoud mairead malcolm malgorzata manjit manpreet marcin marcus margaret maria mariam marian marie marilyn marion
marjorie marlene
marta martha martin martyn mary maryam matthew maud maura maureen mavis megan mehmet melanie melissa mercy meredith
michael michelle
mildred millicent mina miranda miriam mohamed mohammad mohammed moira molly monica morag moses muhammad muriel murray
mustafa myfanwy
myrtle nadia nana nancy naomi narinder nasreen natalie natasha nathan neha neil nerys neville ngozi niamh nicola nigel
nikhil nina nirmala
noel noor nora noreen norma norman nuala obinna olga oliver olivia olu olumide omar oscar owen palesa pamela parveen
patience
patricia patrick paul paula pauline pawel peggy percival peter petra philip philippa phoebe phyllis piotr prakash
priti priya rachel rafal
raj rajesh ralph ramesh raymond rebecca reginald rhiannon rhys ricardo richard rita robert roberta rochelle roger
roisin roland ronald rosalind
rosemary rosie rowena roxanne rukhsana rupert russell ruth ryan sadia saima sally samantha samina samir samuel sandeep
sandra sanjay sara
sarah sean sebastian shabana shahid shanice sharon sheila shirley shona shreya sian sidney simon siobhan sofia sonia
sophia sophie stanislaw
stanley stefan stella stephanie stephen steven stewart stuart sunil sunita surinder susan suzanne svetlana swati sybil
sylvia tadeusz tamara
tanya tariq tatiana temitope terence teresa terry thelma theresa theo thomas tiffany timothy tobias tomasz toby tracey
tracy trevor tunde ursula
usha usman valerie vanessa vera verity veronica victoria vijay vikram vincent vivienne wanda wayne wendy wesley
wilfred william
winifred winston wojciech yasmin yetunde yolanda yusuf yvette yvonne zainab zara zofia zoe zuzanna
"""

FIRST_NAMES = frozenset(_NAMES.split()) - {"nana", "mercy", "patience", "blessing", "terry"}
