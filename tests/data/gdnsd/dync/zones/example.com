@ SOA ns1 hostmaster 1 7200 30M 3D 900
@ NS ns1
@ NS ns2.example.net.
ns1 A 192.0.2.53
www MX 10 mail.example.net.
cdn 60 DYNC weighted!cdn
*.wild 60/10 DYNC weighted!cdn
ladder 60 DYNC metafo!ladder
two 60 DYNC metafo!ladder/two
mixed 60 DYNC metafo!mixed
several 60 DYNC metafo!several
geo 60 DYNC geoip!cdn
addresses 60 DYNC geoip!addresses
plain 600/300 DYNC multifo!plain
last 120 DYNC static!last
