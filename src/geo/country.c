/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is true of countries whatever a database says: the continent, for databases that hold countries only,
 * and a point for those without coordinates. All 249 codes of ISO 3166-1 alpha-2, and XK, the user-assigned
 * code that databases use for Kosovo.
 *
 * Continents: ISO says nothing of them; where opinions differ this follows what operators see in databases
 * that do hold both: Russia and Cyprus in Europe, Turkey and the Caucasus in Asia, Egypt in Africa, all of
 * Central America and the Caribbean in North America.
 *
 * Points: estimates made for steerd, in tenths of a degree. What counts is where the clients are, so a
 * country whose people live far from the middle of its land has a point near most of them instead: Russia
 * lies at Moscow, Canada at Ottawa, Australia between Melbourne and Sydney. Good enough to tell regions
 * apart, and databases that hold coordinates are not measured by them. */
#include "config.h"

#include "geo/geo.h"

#include "geo/facts.h"

#include <stdlib.h>
#include <string.h>

struct country {
    char code[3], continent[3];
    int16_t latitude, longitude; /* tenths of a degree */
};

/* Sorted by code. */
// clang-format off
static const struct country countries[] = {
    {"AD", "EU", 425, 15}, {"AE", "AS", 245, 544}, {"AF", "AS", 340, 680}, {"AG", "NA", 171, -618},
    {"AI", "NA", 182, -631}, {"AL", "EU", 410, 200}, {"AM", "AS", 400, 450}, {"AO", "AF", -90, 135},
    {"AQ", "AN", -778, 1667}, {"AR", "SA", -346, -590}, {"AS", "OC", -143, -1707},
    {"AT", "EU", 478, 145}, {"AU", "OC", -350, 1485}, {"AW", "NA", 125, -700}, {"AX", "EU", 602, 200},
    {"AZ", "AS", 405, 475}, {"BA", "EU", 440, 180}, {"BB", "NA", 132, -595}, {"BD", "AS", 240, 900},
    {"BE", "EU", 508, 43}, {"BF", "AF", 124, -15}, {"BG", "EU", 427, 250}, {"BH", "AS", 261, 506},
    {"BI", "AF", -35, 300}, {"BJ", "AF", 65, 23}, {"BL", "NA", 179, -628}, {"BM", "NA", 323, -648},
    {"BN", "AS", 45, 1147}, {"BO", "SA", -170, -660}, {"BQ", "NA", 122, -683},
    {"BR", "SA", -220, -460}, {"BS", "NA", 251, -774}, {"BT", "AS", 275, 905}, {"BV", "AN", -544, 34},
    {"BW", "AF", -246, 259}, {"BY", "EU", 537, 280}, {"BZ", "NA", 173, -885}, {"CA", "NA", 454, -757},
    {"CC", "AS", -122, 968}, {"CD", "AF", -45, 170}, {"CF", "AF", 44, 186}, {"CG", "AF", -43, 152},
    {"CH", "EU", 470, 80}, {"CI", "AF", 55, -45}, {"CK", "OC", -212, -1598}, {"CL", "SA", -335, -707},
    {"CM", "AF", 45, 105}, {"CN", "AS", 320, 1150}, {"CO", "SA", 50, -745}, {"CR", "NA", 100, -840},
    {"CU", "NA", 225, -805}, {"CV", "AF", 150, -236}, {"CW", "NA", 122, -690},
    {"CX", "OC", -104, 1057}, {"CY", "EU", 350, 332}, {"CZ", "EU", 499, 152}, {"DE", "EU", 510, 90},
    {"DJ", "AF", 116, 431}, {"DK", "EU", 557, 110}, {"DM", "NA", 154, -614}, {"DO", "NA", 187, -702},
    {"DZ", "AF", 363, 35}, {"EC", "SA", -15, -793}, {"EE", "EU", 590, 253}, {"EG", "AF", 303, 312},
    {"EH", "AF", 271, -132}, {"ER", "AF", 153, 389}, {"ES", "EU", 400, -37}, {"ET", "AF", 90, 390},
    {"FI", "EU", 613, 250}, {"FJ", "OC", -180, 1780}, {"FK", "SA", -517, -580}, {"FM", "OC", 69, 1582},
    {"FO", "EU", 620, -70}, {"FR", "EU", 470, 24}, {"GA", "AF", 4, 97}, {"GB", "EU", 528, -15},
    {"GD", "NA", 121, -617}, {"GE", "AS", 420, 440}, {"GF", "SA", 49, -525}, {"GG", "EU", 495, -26},
    {"GH", "AF", 65, -10}, {"GI", "EU", 361, -54}, {"GL", "NA", 642, -517}, {"GM", "AF", 134, -165},
    {"GN", "AF", 98, -130}, {"GP", "NA", 162, -616}, {"GQ", "AF", 35, 90}, {"GR", "EU", 385, 233},
    {"GS", "AN", -543, -365}, {"GT", "NA", 147, -906}, {"GU", "OC", 135, 1448},
    {"GW", "AF", 119, -155}, {"GY", "SA", 67, -581}, {"HK", "AS", 223, 1142}, {"HM", "AN", -531, 735},
    {"HN", "NA", 148, -872}, {"HR", "EU", 455, 160}, {"HT", "NA", 187, -724}, {"HU", "EU", 473, 193},
    {"ID", "AS", -68, 1090}, {"IE", "EU", 532, -70}, {"IL", "AS", 320, 348}, {"IM", "EU", 542, -45},
    {"IN", "AS", 225, 790}, {"IO", "AS", -73, 724}, {"IQ", "AS", 333, 444}, {"IR", "AS", 350, 520},
    {"IS", "EU", 641, -217}, {"IT", "EU", 432, 119}, {"JE", "EU", 492, -21}, {"JM", "NA", 181, -772},
    {"JO", "AS", 319, 359}, {"JP", "AS", 356, 1377}, {"KE", "AF", -8, 368}, {"KG", "AS", 420, 743},
    {"KH", "AS", 117, 1049}, {"KI", "OC", 14, 1730}, {"KM", "AF", -118, 434}, {"KN", "NA", 173, -627},
    {"KP", "AS", 393, 1260}, {"KR", "AS", 368, 1275}, {"KW", "AS", 293, 479}, {"KY", "NA", 193, -813},
    {"KZ", "AS", 475, 710}, {"LA", "AS", 180, 1026}, {"LB", "AS", 339, 356}, {"LC", "NA", 139, -610},
    {"LI", "EU", 472, 95}, {"LK", "AS", 70, 803}, {"LR", "AF", 64, -106}, {"LS", "AF", -294, 278},
    {"LT", "EU", 552, 240}, {"LU", "EU", 496, 61}, {"LV", "EU", 570, 243}, {"LY", "AF", 325, 145},
    {"MA", "AF", 335, -68}, {"MC", "EU", 437, 74}, {"MD", "EU", 470, 288}, {"ME", "EU", 425, 193},
    {"MF", "NA", 181, -631}, {"MG", "AF", -190, 470}, {"MH", "OC", 71, 1712}, {"MK", "EU", 418, 217},
    {"ML", "AF", 128, -75}, {"MM", "AS", 195, 960}, {"MN", "AS", 479, 1069}, {"MO", "AS", 222, 1135},
    {"MP", "OC", 152, 1457}, {"MQ", "NA", 147, -610}, {"MR", "AF", 181, -158}, {"MS", "NA", 167, -622},
    {"MT", "EU", 359, 144}, {"MU", "AF", -202, 575}, {"MV", "AS", 42, 735}, {"MW", "AF", -140, 340},
    {"MX", "NA", 205, -1005}, {"MY", "AS", 35, 1020}, {"MZ", "AF", -189, 353}, {"NA", "AF", -210, 170},
    {"NC", "OC", -219, 1661}, {"NE", "AF", 136, 45}, {"NF", "OC", -290, 1680}, {"NG", "AF", 88, 65},
    {"NI", "NA", 124, -863}, {"NL", "EU", 521, 51}, {"NO", "EU", 603, 100}, {"NP", "AS", 277, 850},
    {"NR", "OC", -5, 1669}, {"NU", "OC", -191, -1699}, {"NZ", "OC", -385, 1753},
    {"OM", "AS", 233, 580}, {"PA", "NA", 89, -797}, {"PE", "SA", -110, -765},
    {"PF", "OC", -176, -1495}, {"PG", "OC", -65, 1450}, {"PH", "AS", 135, 1215},
    {"PK", "AS", 310, 720}, {"PL", "EU", 519, 194}, {"PM", "NA", 468, -562}, {"PN", "OC", -251, -1301},
    {"PR", "NA", 183, -663}, {"PS", "AS", 320, 352}, {"PT", "EU", 397, -85}, {"PW", "OC", 74, 1345},
    {"PY", "SA", -254, -570}, {"QA", "AS", 253, 514}, {"RE", "AF", -211, 555}, {"RO", "EU", 455, 255},
    {"RS", "EU", 443, 207}, {"RU", "EU", 558, 376}, {"RW", "AF", -20, 300}, {"SA", "AS", 245, 440},
    {"SB", "OC", -91, 1600}, {"SC", "AF", -46, 555}, {"SD", "AF", 150, 325}, {"SE", "EU", 590, 155},
    {"SG", "AS", 14, 1038}, {"SH", "AF", -159, -57}, {"SI", "EU", 461, 148}, {"SJ", "EU", 782, 156},
    {"SK", "EU", 487, 190}, {"SL", "AF", 84, -125}, {"SM", "EU", 439, 124}, {"SN", "AF", 146, -165},
    {"SO", "AF", 30, 450}, {"SR", "SA", 58, -552}, {"SS", "AF", 60, 310}, {"ST", "AF", 3, 67},
    {"SV", "NA", 137, -891}, {"SX", "NA", 180, -631}, {"SY", "AS", 347, 370}, {"SZ", "AF", -264, 314},
    {"TC", "NA", 218, -722}, {"TD", "AF", 115, 155}, {"TF", "AN", -494, 702}, {"TG", "AF", 70, 12},
    {"TH", "AS", 145, 1008}, {"TJ", "AS", 386, 690}, {"TK", "OC", -92, -1718}, {"TL", "OC", -86, 1256},
    {"TM", "AS", 385, 590}, {"TN", "AF", 360, 100}, {"TO", "OC", -211, -1752}, {"TR", "AS", 395, 320},
    {"TT", "NA", 105, -613}, {"TV", "OC", -85, 1792}, {"TW", "AS", 242, 1210}, {"TZ", "AF", -55, 360},
    {"UA", "EU", 490, 320}, {"UG", "AF", 7, 324}, {"UM", "OC", 193, 1666}, {"US", "NA", 374, -923},
    {"UY", "SA", -345, -560}, {"UZ", "AS", 405, 680}, {"VA", "EU", 419, 125}, {"VC", "NA", 132, -612},
    {"VE", "SA", 100, -675}, {"VG", "NA", 184, -646}, {"VI", "NA", 181, -648}, {"VN", "AS", 160, 1065},
    {"VU", "OC", -170, 1680}, {"WF", "OC", -133, -1762}, {"WS", "OC", -138, -1719},
    {"XK", "EU", 426, 209}, {"YE", "AS", 145, 445}, {"YT", "AF", -128, 452}, {"ZA", "AF", -280, 280},
    {"ZM", "AF", -140, 283}, {"ZW", "AF", -187, 305},
};
// clang-format on

static int compare_code(const void *code, const void *country)
{
    return strcmp(code, ((const struct country *)country)->code);
}

static const struct country *find_country(const char code[3])
{
    return bsearch(code, countries, sizeof countries / sizeof *countries, sizeof *countries, compare_code);
}

const char *geo_get_continent(const char country[3])
{
    const struct country *found = find_country(country);
    return found == NULL ? "" : found->continent;
}

bool geo_get_centroid(uint32_t country, double *latitude, double *longitude)
{
    char code[3];
    geo_code_write(country, code);
    const struct country *found = find_country(code);
    if (found == NULL) {
        return false;
    }
    *latitude = found->latitude / 10.0;
    *longitude = found->longitude / 10.0;
    return true;
}
