# SPDX-License-Identifier: BSD-3-Clause
"""Where regions of clouds are, for tiers by distance: the city or the state that their owners name, to half a degree."""

AWS = {
    "af-south-1": (-33.9, 18.4), "ap-east-1": (22.3, 114.2), "ap-east-2": (25.0, 121.6), "ap-northeast-1": (35.7, 139.7),
    "ap-northeast-2": (37.6, 127.0), "ap-northeast-3": (34.7, 135.5), "ap-south-1": (19.1, 72.9), "ap-south-2": (17.4, 78.5),
    "ap-southeast-1": (1.4, 103.8), "ap-southeast-2": (-33.9, 151.2), "ap-southeast-3": (-6.2, 106.8),
    "ap-southeast-4": (-37.8, 145.0), "ap-southeast-5": (3.1, 101.7), "ap-southeast-6": (-36.9, 174.8),
    "ap-southeast-7": (13.8, 100.5), "ca-central-1": (45.5, -73.6), "ca-west-1": (51.0, -114.1), "cn-north-1": (39.9, 116.4),
    "cn-northwest-1": (38.5, 106.2), "eu-central-1": (50.1, 8.7), "eu-central-2": (47.4, 8.5), "eu-north-1": (59.3, 18.1),
    "eu-south-1": (45.5, 9.2), "eu-south-2": (41.6, -0.9), "eu-west-1": (53.3, -6.3), "eu-west-2": (51.5, -0.1),
    "eu-west-3": (48.9, 2.4), "il-central-1": (32.1, 34.8), "me-central-1": (25.2, 55.3), "me-south-1": (26.2, 50.6),
    "mx-central-1": (20.6, -100.4), "sa-east-1": (-23.5, -46.6), "us-east-1": (38.9, -77.5), "us-east-2": (40.0, -83.0),
    "us-gov-east-1": (40.0, -83.0), "us-gov-west-1": (45.8, -119.7), "us-west-1": (37.4, -121.9), "us-west-2": (45.8, -119.7)}

# Regions of Cloudflare's load balancers as countries (ISO 3166-1) and, of two of them, subdivisions: who belongs where is of
# our own making, by the regions of UN M49, as Cloudflare tells it by its API only, whose answer `steerctl import` takes, too.
CLOUDFLARE = {
    "WNAM": ("US-AK US-AZ US-CA US-CO US-HI US-ID US-KS US-MT US-ND US-NE US-NM US-NV US-OK US-OR US-SD US-TX US-UT US-WA US-WY CA-AB "
             "CA-BC CA-MB CA-NT CA-NU CA-SK CA-YT MX"),
    "ENAM": ("US-AL US-AR US-CT US-DC US-DE US-FL US-GA US-IA US-IL US-IN US-KY US-LA US-MA US-MD US-ME US-MI US-MN US-MO US-MS US-NC "
             "US-NH US-NJ US-NY US-OH US-PA US-RI US-SC US-TN US-VA US-VT US-WI US-WV CA-NB CA-NL CA-NS CA-ON CA-PE CA-QC BM GL PM"),
    "WEU": "AD AT BE CH DE DK ES FI FO FR GB GG GI IE IM IS IT JE LI LU MC MT NL NO PT SE SM VA",
    "EEU": "AL BA BG BY CY CZ EE GR HR HU LT LV MD ME MK PL RO RS RU SI SK UA",
    "NSAM": ("AG AI AW BB BL BQ BS BZ CO CR CU CW DM DO EC GD GF GP GT GY HN HT JM KN KY LC MF MQ MS NI PA PR SR SV SX TC TT VC VE VG "
             "VI"),
    "SSAM": "AR BO BR CL FK PE PY UY",
    "OC": "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV VU WF WS",
    "ME": "AE AM AZ BH GE IL IQ IR JO KW LB OM PS QA SA SY TR YE",
    "NAF": "BF BJ CF CI CM CV DJ DZ EG EH ER ET GH GM GN GQ GW LR LY MA ML MR NE NG SD SL SN SO SS ST TD TG TN",
    "SAF": "AO BI BW CD CG GA KE KM LS MG MU MW MZ NA RE RW SC SH SZ TZ UG YT ZA ZM ZW",
    "SAS": "AF BD BT IN KG KZ LK MV NP PK TJ TM UZ",
    "SEAS": "BN CC CX ID KH LA MM MY PH SG TH TL VN",
    "NEAS": "CN HK JP KP KR MN MO TW"}
