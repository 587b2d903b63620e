@ SOA ns1 hostmaster 1 7200 30M 3D 900
@ NS ns1
@ NS ns2.example.net.
ns1 A 192.0.2.53
single 60 DYNA weighted!single
large 60 DYNA weighted!large
equal 60 DYNC weighted!equal
families 60 DYNA weighted!families
groups 60 DYNA weighted!groups
apart 60 DYNA weighted!apart
cnames 60 DYNC weighted!cnames
cname 60 DYNC weighted!cname
heavy 60 DYNA weighted!heavy
