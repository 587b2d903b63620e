@ SOA ns1 hostmaster 1 7200 30M 3D 900
@ NS ns1
@ NS ns2.example.net.
ns1 A 192.0.2.53
near 60 DYNA geoip!near
places 60 DYNA geoip!places
other 60 DYNA geoip!places
