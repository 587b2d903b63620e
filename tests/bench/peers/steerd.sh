# shellcheck shell=bash disable=SC2034,SC2154
# steerd for the peers kit. The binary is the one that STEERD names, else the one in build/ of this checkout.
ADDR=127.0.1.20
MIXES="static nx policy fo ecs edns tcp tcp1"

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
binary=${STEERD:-$here/../../../build/src/steerd}

# the server's settings: what "zones" is, and further lines of JSON
settings() {
    cat <<X
{ "listen": "$ADDR:$PORT", "threads": $THREADS, "log": { "level": "warning" }, "admin": { "socket": "admin.sock" },
  "zones": $1$2 }
X
}

# one check that nothing answers must not run in these mixes: endpoints without checks are always served
topology() {
    cat <<'X'
{ "regions": { "one": { "azs": { "one-a": {} } } },
  "endpoints": { "a": { "az": "one-a", "addresses": ["192.0.2.1"], "weight": 10 },
                 "b": { "az": "one-a", "addresses": ["192.0.2.2"], "weight": 10 },
                 "c": { "az": "one-a", "addresses": ["192.0.2.3"], "weight": 10 },
                 "d": { "az": "one-a", "addresses": ["192.0.2.4"], "weight": 10 } } }
X
}

# one rule per place: a list of its networks
geo_rules() {
    awk '{ nets[$2] = nets[$2] (nets[$2] == "" ? "" : ",\n") "\"" $1 "\"" }
         END { for (i = 1; i <= 4; i++)
                   printf "%s{ \"when\": { \"cidr\": [%s] }, \"tiers\": [[\"%s\"]] }", \
                       (i > 1 ? ",\n" : ""), nets[i], substr("abcd", i, 1) }' "$PEERS_DATA/nets.txt"
}

prepare() {
    mkdir -p "$DIR/zones"
    settings '"zones"' ', "topology": "topology.json"' > "$DIR/steerd.json"
    topology > "$DIR/topology.json"
    cp "$PEERS_DATA/base.zone" "$DIR/zones/example.com.zone"
    cat > "$DIR/zones/example.com.json" <<X
{ "names": { "www": { "ttl": 300, "endpoints": ["a", "b", "c"] },
             "fo": { "ttl": 300, "endpoints": ["a", "b"], "tiers": [["a"], ["b"]] },
             "geo": { "ttl": 300, "endpoints": ["a", "b", "c", "d"], "tiers": [["a"]],
                      "geo": [$(geo_rules)] } } }
X
}

# every pair of RESOURCES is two endpoints in two regions; one result decides, up and down
prepare_failover() {
    mkdir -p "$DIR/zones"
    settings '"zones"' ', "topology": "topology.json"' > "$DIR/steerd.json"
    local check="\"type\": \"$PROBE\", \"port\": $ENDPOINT_PORT"
    [ "$PROBE" = tcp ] || check+=', "path": "/"'
    {
        echo '{ "regions": { "one": { "azs": { "one-a": {} } }, "two": { "azs": { "two-a": {} } } },'
        echo "  \"checks\": { \"c\": { $check, \"interval\": \"${INTERVAL}s\", \"timeout\": \"${TIMEOUT}s\", \"fall\": 1, \"rise\": 1 } },"
        echo '  "endpoints": {'
        awk '{ printf "%s\"%s-1\": { \"az\": \"one-a\", \"addresses\": [\"%s\"], \"checks\": [\"c\"] },\n", (NR > 1 ? ",\n" : ""), $1, $2
               printf "\"%s-2\": { \"az\": \"two-a\", \"addresses\": [\"%s\"], \"checks\": [\"c\"] }", $1, $3 }' "$RESOURCES"
        printf ' } }\n'
    } > "$DIR/topology.json"
    head -5 "$PEERS_DATA/base.zone" > "$DIR/zones/example.com.zone"
    {
        echo '{ "names": {'
        awk '{ printf "%s\"%s\": { \"ttl\": 0, \"endpoints\": [\"%s-1\", \"%s-2\"], \"tiers\": [[\"%s-1\"], [\"%s-2\"]] }", \
               (NR > 1 ? ",\n" : ""), $1, $1, $1, $1, $1 }' "$RESOURCES"
        echo ' } }'
    } > "$DIR/zones/example.com.json"
}

prepare_scale() {
    settings "$(awk -v folder="$ZONES_DIR" '{ printf "%s{ \"origin\": \"%s.\", \"file\": \"%s/%s\" }", \
        (NR > 1 ? ",\n" : "["), $1, folder, $1 } END { print "]" }' "$ZONES_LIST")" '' > "$DIR/steerd.json"
}

reload() { "${binary%/*}/steerctl" -s "$DIR/admin.sock" reload "$1"; }

# what counts instructions makes code as it goes, which steerd's own memory rules refuse
start() {
    [ -z "${PEERS_WRAP:-}" ] || sed -i '1s/^{/{ "confine": { "dns_threads": false, "files": false },/' "$DIR/steerd.json"
    exec "$binary" -c "$DIR/steerd.json"
}
