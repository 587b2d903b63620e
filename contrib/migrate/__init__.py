# SPDX-License-Identifier: BSD-3-Clause
"""What contrib/gdnsd2steerd and contrib/steerctl-import are made of, lowest first:

report       what was converted, approximated and left out
folder       files -> a folder, whole or not at all
model        plans: what a name answers, in our words
build        plans -> topology and policies
draft        zones, plans and checks of a source -> all files

gdnsd, a folder:
vscf         gdnsd's configuration language -> nodes that know their file and line
services     service_types -> checks
maps         geoip maps -> geo rules over data centres
plugins      plugins and their resources -> plans
zonefile     gdnsd's zone files -> master files, and the names that are steered
gdnsd        what build does otherwise for gdnsd
overrides    what operators had said -> commands of steerctl
settings     options -> steerd.json
convert      all of it

the others, files:
master       master files, and the records in them that become something else
lua          literals and calls of Lua
jsonfile     JSON of which nothing is lost silently
knotconf     Knot's configuration language
mmdb         where an address is
places       where regions of clouds are
merge        plans of several types of one name -> one
powerdns     zones with Lua records
knot         knot.conf with mod-geoip
healthchecks, route53    answers of aws route53
monitors, cloudflare     answers of Cloudflare's API
sources      which of them it is
"""
