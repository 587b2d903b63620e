@ SOA ns1 hostmaster 1 7200 30M 3D 900
@ NS ns1
@ NS ns2.example.net.
ns1 A 192.0.2.53
www 60 DYNA geoip!www
www-eu 60 DYNA geoip!www/eu
net 60 DYNA geoip!net
static 60 DYNA geoip!static
