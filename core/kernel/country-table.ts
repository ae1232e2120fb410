/**
 * Countries with their addresses: `code fields,required,city,district,state,zip,example,pattern`.
 * Written by `npm run countries` from ISO 3166 and libaddressinput (data: CC BY 4.0), not by hand.
 */
export const COUNTRY_TABLE = String.raw`
AD CZ,C,,,,,AD100,AD[1-7]0\d;AE CS,E,,,emirate,,,;AF CZ,C,,,,,1001,\d{4};AG C,,,,,,,
AI CZ,C,,,,,2640,(?:AI)?2640;AL CZ,C,,,,,1001,\d{4};AM CSZ,C,,,,,375010,(?:37)?\d{4};AO;AQ
AR CSZ,C,,,,,C1070AAM,((?:[A-HJ-NP-Z])?\d{4})([A-Z]{3})?;AS CSZ,CSZ,,,state,zip,96799,(96799)(?:(\d{4}))?
AT CZ,CZ,,,,,1010,\d{4};AU CSZ,CSZ,suburb,,state,,2060,\d{4};AW;AX CZ,CZ,,,,,22150,22\d{3}
AZ CZ,C,,,,,1000,\d{4};BA CZ,C,,,,,71000,\d{5};BB CSZ,C,,,parish,,BB23026,BB\d{5};BD CZ,C,,,,,1340,\d{4}
BE CZ,CZ,,,,,4000,\d{4};BF C,C,,,,,,;BG CZ,C,,,,,1000,\d{4};BH CZ,C,,,,,317,(?:\d|1[0-2])\d{2};BI;BJ
BL CZ,CZ,,,,,97100,9[78][01]\d{2};BM CZ,C,,,,,FL 07,[A-Z]{2}[A-Z0-9]{2};BN CZ,C,,,,,BT2328,[A-Z]{2}\d{4};BO;BQ
BR CDSZ,CSZ,,neighborhood,state,,40301-110,\d{5}\d{3};BS CS,C,,,island,,,;BT CZ,C,,,,,11001,\d{5};BV;BW
BY CSZ,C,,,,,223016,\d{6};BZ
CA CSZ,CSZ,,,,,H3Z 2Y7,[ABCEGHJKLMNPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]\d[ABCEGHJ-NPRSTV-Z]\d;CC CSZ,C,,,,,6799,6799;CD
CF;CG;CH CZ,CZ,,,,,2544,\d{4};CI C,C,,,,,,;CK;CL CSZ,C,,,,,8340457,\d{7};CM
CN CDSZ,CSZ,,district,,,266033,\d{6};CO CSZ,S,,,department,,111221,\d{6};CR CSZ,CS,,,,,1000,\d{4,5}|\d{3}\d{4}
CU CSZ,C,,,,,10700,\d{5};CV CSZ,C,,,island,,7600,\d{4};CW;CX CSZ,C,,,,,6798,6798;CY CZ,C,,,,,2008,\d{4}
CZ CZ,CZ,,,,,100 00,\d{3}\d{2};DE CZ,CZ,,,,,26133,\d{5};DJ;DK CZ,CZ,,,,,8660,\d{4};DM;DO CZ,C,,,,,11903,\d{5}
DZ CZ,C,,,,,40304,\d{5};EC CZ,C,,,,,090105,\d{6};EE CZ,CZ,,,,,69501,\d{5};EG CSZ,C,,,,,12411,\d{5}
EH CZ,C,,,,,70000,\d{5};ER;ES CSZ,CSZ,,,,,28039,\d{5};ET CZ,C,,,,,1000,\d{4};FI CZ,CZ,,,,,00550,\d{5};FJ
FK CZ,CZ,,,,,FIQQ 1ZZ,FIQQ1ZZ;FM CSZ,CSZ,,,state,zip,96941,(9694[1-4])(?:(\d{4}))?;FO CZ,C,,,,,100,\d{3}
FR CZ,CZ,,,,,33380,\d{2}\d{3};GA
GB CZ,CZ,post_town,,,,EC1Y 8SY,GIR0AA|(?:(?:AB|AL|B|BA|BB|BD|BF|BH|BL|BN|BR|BS|BT|BX|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|DY|E|EC|EH|EN|EX|FK|FY|G|GL|GY|GU|HA|HD|HG|HP|HR|HS|HU|HX|IG|IM|IP|IV|JE|KA|KT|KW|KY|L|LA|LD|LE|LL|LN|LS|LU|M|ME|MK|ML|N|NE|NG|NN|NP|NR|NW|OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|S|SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|W|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE)(?:\d[\dA-Z]?\d[ABD-HJLN-UW-Z]{2}))|BFPO\d{1,4}
GD;GE CZ,C,,,,,0101,\d{4};GF CZ,CZ,,,,,97300,9[78]3\d{2};GG CZ,CZ,,,,,GY1 1AA,GY\d[\dA-Z]?\d[ABD-HJLN-UW-Z]{2}
GH;GI Z,,,,,,GX11 1AA,GX111AA;GL CZ,CZ,,,,,3900,39\d{2};GM;GN CZ,C,,,,,001,\d{3}
GP CZ,CZ,,,,,97100,9[78][01]\d{2};GQ;GR CZ,CZ,,,,,151 24,\d{3}\d{2};GS CZ,CZ,,,,,SIQQ 1ZZ,SIQQ1ZZ
GT CZ,C,,,,,09001,\d{5};GU CZ,CZ,,,,zip,96910,(969(?:[12]\d|3[12]))(?:(\d{4}))?;GW CZ,C,,,,,1000,\d{4};GY
HK CS,E,district,,area,,,;HM CSZ,C,,,,,7050,\d{4};HN CSZ,CS,,,,,31301,\d{5};HR CZ,C,,,,,10000,\d{5}
HT CZ,C,,,,,6120,\d{4};HU CZ,CZ,,,,,1037,\d{4};ID CSZ,S,,,,,40115,\d{5}
IE CDSZ,C,,townland,county,eircode,A65 F4E2,[\dA-Z]{3}[\dA-Z]{4};IL CZ,C,,,,,9614303,\d{5}(?:\d{2})?
IM CZ,CZ,,,,,IM2 1AA,IM\d[\dA-Z]?\d[ABD-HJLN-UW-Z]{2};IN CSZ,CSZ,,,state,pin,110034,\d{6}
IO CZ,CZ,,,,,BBND 1ZZ,BBND1ZZ;IQ CSZ,CS,,,,,31001,\d{5};IR CDSZ,C,,neighborhood,,,11936-12345,\d{5}\d{5}
IS CZ,C,,,,,320,\d{3};IT CSZ,CSZ,,,,,00144,\d{5};JE CZ,CZ,,,,,JE1 1AA,JE\d[\dA-Z]?\d[ABD-HJLN-UW-Z]{2}
JM CS,CS,,,parish,,,;JO CZ,C,,,,,11937,\d{5};JP SZ,SZ,,,prefecture,,154-0023,\d{3}\d{4};KE CZ,C,,,,,20100,\d{5}
KG CZ,C,,,,,720001,\d{6};KH CZ,C,,,,,12203,\d{5};KI CS,C,,,island,,,;KM;KN CS,CS,,,island,,,;KP CSZ,C,,,,,,
KR CDSZ,CSZ,,district,do_si,,03051,\d{5};KW CZ,C,,,,,54541,\d{5};KY SZ,S,,,island,,KY1-1100,KY\d\d{4}
KZ CSZ,C,,,,,040900,\d{6};LA CZ,C,,,,,01160,\d{5};LB CZ,C,,,,,2038 3054,(?:\d{4})(?:(?:\d{4}))?;LC
LI CZ,CZ,,,,,9496,948[5-9]|949[0-8];LK CZ,C,,,,,20000,\d{5};LR CZ,C,,,,,1000,\d{4};LS CZ,C,,,,,100,\d{3}
LT CZ,CZ,,,,,04340,\d{5};LU CZ,CZ,,,,,4750,\d{4};LV CZ,CZ,,,,,LV-1073,LV\d{4};LY;MA CZ,C,,,,,53000,\d{5}
MC CZ,C,,,,,98000,980\d{2};MD CZ,C,,,,,2012,\d{4};ME CZ,C,,,,,81257,8\d{4};MF CZ,CZ,,,,,97100,9[78][01]\d{2}
MG CZ,C,,,,,501,\d{3};MH CSZ,CSZ,,,state,zip,96960,(969[67]\d)(?:(\d{4}))?;MK CZ,C,,,,,1314,\d{4};ML
MM CZ,C,,,,,11181,\d{5};MN CSZ,C,,,,,65030,\d{5};MO ,,,,,,,
MP CSZ,CSZ,,,state,zip,96950,(9695[012])(?:(\d{4}))?;MQ CZ,CZ,,,,,97220,9[78]2\d{2};MR;MS
MT CZ,C,,,,,NXR 01,[A-Z]{3}\d{2,4};MU CZ,C,,,,,42602,\d{3}(?:\d{2}|[A-Z]{2}\d{3});MV CZ,C,,,,,20026,\d{5}
MW C,C,,,,,,;MX CDSZ,CZ,,neighborhood,state,,02860,\d{5};MY CDSZ,CZ,,village_township,state,,43000,\d{5}
MZ CSZ,C,,,,,1102,\d{4};NA CZ,C,,,,,10001,\d{5};NC CZ,CZ,,,,,98814,988\d{2};NE CZ,C,,,,,8001,\d{4}
NF CSZ,C,,,,,2899,2899;NG CDSZ,C,,,state,,930283,\d{6};NI CSZ,C,,,department,,52000,\d{5}
NL CZ,CZ,,,,,1234 AB,\d{4}[A-Z]{2};NO CZ,CZ,post_town,,,,0025,\d{4};NP CZ,C,,,,,44601,\d{5}
NR S,S,,,district,,,;NU;NZ CDZ,CZ,,,,,6001,\d{4};OM CZ,C,,,,,133,(?:PC)?\d{3};PA CS,C,,,,,,
PE CSZ,C,district,,,,LIMA 23,(?:LIMA\d{1,2}|CALLAO0?\d)|[0-2]\d{4};PF CSZ,CSZ,,,island,,98709,987\d{2}
PG CSZ,CS,,,,,111,\d{3};PH CDSZ,C,,,,,1008,\d{4};PK CZ,C,,,,,44000,\d{5};PL CZ,CZ,,,,,00-950,\d{2}\d{3}
PM CZ,CZ,,,,,97500,9[78]5\d{2};PN CZ,CZ,,,,,PCRN 1ZZ,PCRN1ZZ;PR CZ,CZ,,,,zip,00930,(00[679]\d{2})(?:(\d{4}))?
PS;PT CZ,CZ,,,,,2725-079,\d{4}\d{3};PW CSZ,CSZ,,,state,zip,96940,(969(?:39|40))(?:(\d{4}))?
PY CZ,C,,,,,1536,\d{4};QA;RE CZ,CZ,,,,,97400,9[78]4\d{2};RO CZ,CZ,,,,,060274,\d{6};RS CZ,C,,,,,106314,\d{5,6}
RU CSZ,CSZ,,,oblast,,247112,\d{6};RW;SA CZ,C,,,,,11564,\d{5};SB;SC CS,C,,,island,,,
SD CZ,C,district,,,,11042,\d{5};SE CZ,CZ,post_town,,,,11455,\d{3}\d{2};SG Z,Z,,,,,546080,\d{6}
SH CZ,CZ,,,,,STHL 1ZZ,(?:ASCN|STHL)1ZZ;SI CZ,C,,,,,4000,\d{4};SJ CZ,CZ,post_town,,,,9170,\d{4}
SK CZ,CZ,,,,,010 01,\d{3}\d{2};SL;SM CZ,Z,,,,,47890,4789\d;SN CZ,C,,,,,12500,\d{5}
SO CSZ,CS,,,,,JH 09010,[A-Z]{2}\d{5};SR CS,C,,,,,,;SS;ST;SV CSZ,CS,,,,,CP 1101,CP[1-3][1-7][0-2]\d;SX;SY
SZ CZ,C,,,,,H100,[HLMS]\d{3};TC CZ,CZ,,,,,TKCA 1ZZ,TKCA1ZZ;TD;TF;TG;TH CDSZ,C,,,,,10150,\d{5}
TJ CZ,C,,,,,735450,\d{6};TK;TL;TM CZ,C,,,,,744000,\d{6};TN CZ,C,,,,,1002,\d{4};TO
TR CSZ,CZ,district,,,,01960,\d{5};TT;TV CS,C,,,island,,,;TW CSZ,CSZ,,,county,,104,\d{3}(?:\d{2})?
TZ CZ,C,,,,,6090,\d{4,5};UA CSZ,CSZ,,,oblast,,15432,\d{5};UG;UM CSZ,CS,,,state,zip,96898,96898
US CSZ,CSZ,,,state,zip,95014,(\d{5})(?:(\d{4}))?;UY CSZ,C,,,,,11600,\d{5};UZ CSZ,C,,,,,702100,\d{6}
VA CZ,C,,,,,00120,00120;VC CZ,C,,,,,VC0100,VC\d{4};VE CSZ,CS,,,state,,1010,\d{4};VG CZ,,,,,,VG1110,VG\d{4}
VI CSZ,CSZ,,,state,zip,00802-1222,(008(?:(?:[0-4]\d)|(?:5[01])))(?:(\d{4}))?;VN CSZ,C,,,,,70010,\d{5}\d?;VU
WF CZ,CZ,,,,,98600,986\d{2};WS;XK CZ,C,,,,,10000,[1-7]\d{4};YE;YT CZ,CZ,,,,,97600,976\d{2}
ZA CDZ,CZ,,,,,0083,\d{4};ZM CZ,C,,,,,50100,\d{5};ZW
`;
