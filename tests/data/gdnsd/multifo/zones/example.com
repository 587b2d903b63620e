@ SOA ns1 hostmaster 1 7200 30M 3D 900
@ NS ns1
@ NS ns2.example.net.
ns1 A 192.0.2.53
@ 60 DYNA multifo!hash
hash 60 DYNA multifo!hash
list 60 DYNA multifo!list
one 60 DYNA multifo!one
careless 60 DYNA multifo!careless
pairs 60 DYNA multifo!pairs
apart 60 DYNA multifo!apart
half 60 DYNA multifo!half
*.wild 60 DYNA multifo!hash
