; gdnsd's own syntax
@	SOA ns1 hostmaster ( 1 7200 30M
	3D 900 ) ; over two lines
	NS ns1
	NS ns2.@Z
ns1 A 192.0.2.53
ns2 A 192.0.2.54
four 60 DYNA static!four
	TXT "beside it"
six 60 DYNA static!six
name 60 DYNC static!name
null DYNA null
reflect 60 DYNA reflect
broken 60 DYNA simplefo!broken
extmon 60 DYNA multifo!extmon
extfile 60 DYNA multifo!extfile
fine 60 DYNA multifo!fine
low 1 A 192.0.2.7
$TTL 2h
text TXT "semicolon ; and ( paren" unquoted\;escaped
long TXT "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
mail MX 10 mx.@Z
$INCLUDE included/part sub
	TXT "after the include"
$ORIGIN deeper
host A 192.0.2.8
at.@F A 192.0.2.9
