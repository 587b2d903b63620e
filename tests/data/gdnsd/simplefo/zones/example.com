@ SOA ns1 hostmaster 1 7200 30M 3D 900
@ NS ns1
@ NS ns2.example.net.
ns1 A 192.0.2.53
www 300/300 DYNA simplefo!pubwww
	MX 10 mail           ; the owner stood on the line before
mail 600/5 DYNC simplefo!pubmail
six 60 DYNA simplefo!static6
odd 60/60 DYNA simplefo!quoted_name
