# SPDX-License-Identifier: BSD-3-Clause
"""What contrib/gdnsd2steerd is made of, lowest first:

report     what was converted, approximated and left out
folder     files -> a folder, whole or not at all
vscf       gdnsd's configuration language -> nodes that know their file and line
model      plans: what a name answers, in our words
services   service_types -> checks
maps       geoip maps -> geo rules over data centres
plugins    plugins and their resources -> plans
zonefile   gdnsd's zone files -> master files, and the names that are steered
build      plans -> topology and policies
gdnsd      what of that is gdnsd's alone
overrides  what operators had said -> commands of steerctl
settings   options -> steerd.json
convert    all of it, and the files that come out
"""
