@ SOA ns1 hostmaster 1 7200 30M 3D 900
@ NS ns1
@ NS ns2.example.net.
ns1 A 192.0.2.53
www 60 DYNA metafo!www
www-2 60 DYNA metafo!www/dc-02
second 60 DYNA metafo!second
mixed 60 DYNA metafo!mixed
nested 60 DYNA metafo!nested
rescue 60 DYNC metafo!rescue
both 60 DYNA metafo!both
