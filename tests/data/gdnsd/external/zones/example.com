@ SOA ns1 hostmaster 1 7200 30M 3D 900
@ NS ns1
ns1 A 192.0.2.53
file 60 DYNA multifo!file
run 60 DYNA multifo!run
all 60 DYNA multifo!all
