/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of tsig: messages that dnspython signed (key transfer.example., secret octets 0 to 31, at
 * 1700000000), and all that can be wrong with one. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "dns/name.h"
#include "tsig/hmac.h"
#include "tsig/tsig.h"

#include <stdlib.h>
#include <string.h>

enum { NOW = 1700000000, QUESTION_END = 29, MESSAGE_MAX = 512, NAME_LEN = 18 };

/* A query for example.com. SOA; the reply to it; and the second and third message of a stream in answer to
 * it. The replies hold nothing but header and question. */
static const struct vector {
    const char *query, *reply, *second, *third;
} vectors[DNS_TSIG_ALGORITHMS] = {
    {
        .query =
            "123401000001000000000001076578616d706c6503636f6d0000060001085472616e73666572074578616d706c65"
            "0000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c0020e43ac24660572c2d5309108f"
            "23ab9d9e2717e329d7730ad641644dafe01fdee4123400000000",
        .reply =
            "123481000001000000000001076578616d706c6503636f6d0000060001087472616e73666572076578616d706c65"
            "0000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c0020e097c52a1ce8f3e61a69e24a"
            "d3ad5c80a5a219b4cec40397ca5ebaa5b388fcdd123400000000",
        .second =
            "123481000001000000000001076578616d706c6503636f6d0000060001087472616e73666572076578616d706c65"
            "0000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c0020afe8b413131d1652eb9c450f"
            "166e03e08e19533377f4f444de1ab4a9912f4530123400000000",
        .third =
            "123481000001000000000001076578616d706c6503636f6d0000060001087472616e73666572076578616d706c65"
            "0000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c0020d0d661f4ded34701565b5736"
            "a90abfedb86c85a87903a83c9e580de3a0a29ff0123400000000",
    },
    {
        .query =
            "123401000001000000000001076578616d706c6503636f6d0000060001085472616e73666572074578616d706c65"
            "0000fa00ff00000000004d0b686d61632d7368613338340000006553f100012c0030cf9feb8f44a8650e0e89eb17"
            "bd3c629c0fa788f909ce0c535ab186c7dcb2999cbcd9d603f5027a2c5f3b2c600c7bfb06123400000000",
        .reply =
            "123481000001000000000001076578616d706c6503636f6d0000060001087472616e73666572076578616d706c65"
            "0000fa00ff00000000004d0b686d61632d7368613338340000006553f100012c0030536c3dbe985dde60b812ee4b"
            "a34673d1031819ccf3380ddc29e778201eb7bea7b3932e08363584e427a1fa4f39316486123400000000",
        .second =
            "123481000001000000000001076578616d706c6503636f6d0000060001087472616e73666572076578616d706c65"
            "0000fa00ff00000000004d0b686d61632d7368613338340000006553f100012c0030424724ef0804744bdb1d99b9"
            "2bb7fa5ca07fc2fa0a4316f44ee3cda2f33f92a42e1695dd1be2ebfc39e153b7f17db17c123400000000",
        .third =
            "123481000001000000000001076578616d706c6503636f6d0000060001087472616e73666572076578616d706c65"
            "0000fa00ff00000000004d0b686d61632d7368613338340000006553f100012c0030e0b014408b38fa160ac39fa4"
            "0778ceb722093ffe8f484abb7bea71b15b2896fd9dff8c842adf6101000aed306b8b8db7123400000000",
    },
    {
        .query =
            "123401000001000000000001076578616d706c6503636f6d0000060001085472616e73666572074578616d706c65"
            "0000fa00ff00000000005d0b686d61632d7368613531320000006553f100012c0040c867d3e464f884746cf536ad"
            "5be7b4dd3bef34541d46f20f613353da85b81229307d3a40f0bab4d3bd60e75df271031595d28991e3d0ce50fff8"
            "e862a81a3c3a123400000000",
        .reply =
            "123481000001000000000001076578616d706c6503636f6d0000060001087472616e73666572076578616d706c65"
            "0000fa00ff00000000005d0b686d61632d7368613531320000006553f100012c00404ca559753480940663a1ffa0"
            "4be5a9a28fbe8ac768a08b00e555cb1e84d2ebb7027000703e5f5004b1b3097fa864187d831dbbddf0f422b44035"
            "b1d678f1293d123400000000",
        .second =
            "123481000001000000000001076578616d706c6503636f6d0000060001087472616e73666572076578616d706c65"
            "0000fa00ff00000000005d0b686d61632d7368613531320000006553f100012c00400c06277fc2a4e0f8731b430c"
            "9a8778f25f3bcd7df492a35345d7a9788222167034d837025dda60164534019f0ca9594b0406e355bd09852dedc5"
            "0bd19632f2e5123400000000",
        .third =
            "123481000001000000000001076578616d706c6503636f6d0000060001087472616e73666572076578616d706c65"
            "0000fa00ff00000000005d0b686d61632d7368613531320000006553f100012c0040c44417e15b01b3994fcafeb7"
            "dee39e12a50d7d2b0651402f69e9577549d6072d944d944aa141d34c0f18303d08f3fdc9f847da6c7299ae08bda4"
            "c580c7de4260123400000000",
    },
};

static size_t unhex(const char *text, uint8_t bytes[MESSAGE_MAX])
{
    size_t len = strlen(text) / 2;
    assert_true(len <= MESSAGE_MAX);
    for (size_t i = 0; i < len; i++) {
        const char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return len;
}

static struct tsig_keys *make_keys(const char *name, enum dns_tsig_algorithm algorithm, uint8_t first)
{
    uint8_t wire[255], secret[32];
    assert_true(dns_name_parse(name, NULL, wire) > 0);
    for (size_t i = 0; i < sizeof secret; i++) {
        secret[i] = (uint8_t)(first + i);
    }
    const struct tsig_key_plan plans[] = {
        {(const uint8_t *)"\5other", DNS_TSIG_HMAC_SHA256, secret, 5},
        {wire, algorithm, secret, sizeof secret},
    };
    return tsig_keys_new(plans, 2);
}

static enum tsig_result judge(struct tsig_exchange *exchange, const struct tsig_keys *keys,
                              const uint8_t *bytes, size_t len, uint64_t now)
{
    const struct tsig_message message = {bytes, len, QUESTION_END};
    return tsig_judge_request(exchange, keys, &message, now);
}

static void expect_message(const uint8_t *bytes, size_t len, const char *hex)
{
    uint8_t expected[MESSAGE_MAX];
    assert_int_equal(len, unhex(hex, expected));
    assert_memory_equal(bytes, expected, len);
}

static void queries_are_judged_and_streams_signed(void **state)
{
    (void)state;
    for (int a = 0; a < DNS_TSIG_ALGORITHMS; a++) {
        struct tsig_keys *keys = make_keys("transfer.example.", (enum dns_tsig_algorithm)a, 0);
        struct tsig_exchange exchange, other;
        uint8_t query[MESSAGE_MAX], reply[MESSAGE_MAX];
        size_t len = unhex(vectors[a].query, query), at;
        assert_true(dns_tsig_find(query, len, &at));
        assert_int_equal(at, QUESTION_END);
        assert_int_equal(judge(&exchange, keys, query, len, NOW), TSIG_GOOD);
        assert_int_equal(exchange.key, 1);
        memcpy(reply, query, QUESTION_END);
        reply[2] = 0x81;
        reply[11] = 0;
        other = exchange;
        size_t size = tsig_reply_size(&exchange);
        size_t got = tsig_sign_reply(&exchange, reply, QUESTION_END, sizeof reply, NOW);
        assert_int_equal(got, QUESTION_END + size);
        expect_message(reply, got, vectors[a].reply);
        assert_int_equal(tsig_judge_reply(&other, &(struct tsig_message){reply, got, QUESTION_END}, NOW),
                         TSIG_GOOD);
        reply[11] = 0;
        got = tsig_sign_next(&exchange, reply, QUESTION_END, sizeof reply, NOW);
        expect_message(reply, got, vectors[a].second);
        reply[11] = 0;
        got = tsig_sign_next(&exchange, reply, QUESTION_END, sizeof reply, NOW);
        expect_message(reply, got, vectors[a].third);
        tsig_keys_release(keys);
    }
}

static void requests_are_signed_as_others_do(void **state)
{
    (void)state;
    struct tsig_keys *keys = make_keys("transfer.example.", DNS_TSIG_HMAC_SHA256, 0);
    struct tsig_exchange exchange;
    uint8_t query[MESSAGE_MAX];
    size_t len = unhex(vectors[0].query, query);
    dns_name_lower(query + QUESTION_END, len - QUESTION_END - 60); /* we write names in lower case */
    query[11] = 0;
    uint8_t expected[MESSAGE_MAX], bytes[MESSAGE_MAX];
    memcpy(expected, query, len);
    expected[11] = 1;
    memcpy(bytes, query, QUESTION_END);
    tsig_begin(&exchange, keys, 1);
    assert_int_equal(tsig_sign_request(&exchange, bytes, QUESTION_END, sizeof bytes, NOW), len);
    assert_memory_equal(bytes, expected, len);
    assert_int_equal(tsig_sign_request(&exchange, bytes, QUESTION_END, len - 1, NOW), 0);
    tsig_keys_release(keys);
}

/* ---- rejected requests ---- */

struct rejected {
    uint8_t query[MESSAGE_MAX], reply[MESSAGE_MAX];
    size_t len, reply_len;
    struct tsig_exchange exchange;
    struct dns_tsig tsig; /* of the reply */
};

/* Judge what the query has become, answer it, and read the record of the answer. */
static void reject(struct rejected *r, struct tsig_keys *keys, uint64_t now)
{
    assert_int_equal(judge(&r->exchange, keys, r->query, r->len, now), TSIG_REJECTED);
    memcpy(r->reply, r->query, QUESTION_END);
    r->reply[11] = 0;
    size_t size = tsig_reply_size(&r->exchange);
    r->reply_len = tsig_sign_reply(&r->exchange, r->reply, QUESTION_END, sizeof r->reply, now);
    assert_int_equal(r->reply_len, QUESTION_END + size);
    assert_true(dns_tsig_parse(&r->tsig, r->reply, r->reply_len, QUESTION_END));
    assert_int_equal(r->tsig.error, r->exchange.error);
    assert_int_equal(r->tsig.time_s, r->exchange.time_s);
}

static void wrong_signatures(void **state)
{
    (void)state;
    struct tsig_keys *keys = make_keys("transfer.example.", DNS_TSIG_HMAC_SHA256, 0);
    struct rejected r;
    /* every octet in front of the record, the times, and every octet of the MAC */
    for (size_t i = 0; i < 118; i++) {
        bool covered = i < QUESTION_END || (i >= 70 && i < 78) || (i >= 80 && i < 112);
        if (!covered || i == 0 || i == 1) { /* the identifier is in the record */
            continue;
        }
        r.len = unhex(vectors[0].query, r.query);
        r.query[i] ^= 1;
        reject(&r, keys, NOW);
        assert_int_equal(r.tsig.error, DNS_TSIG_BADSIG);
        assert_int_equal(r.tsig.mac_len, 0);
    }
    tsig_keys_release(keys);
}

static void unknown_keys(void **state)
{
    (void)state;
    struct tsig_keys *sets[] = {NULL, make_keys("transfer.example.", DNS_TSIG_HMAC_SHA384, 0),
                                make_keys("transfer.exampl.", DNS_TSIG_HMAC_SHA256, 0)};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct rejected r;
        r.len = unhex(vectors[0].query, r.query);
        reject(&r, sets[i], NOW);
        assert_int_equal(r.tsig.error, DNS_TSIG_BADKEY);
        assert_int_equal(r.tsig.mac_len, 0);
        assert_int_equal(r.tsig.name_len, NAME_LEN);
        assert_memory_equal(r.tsig.name, "\10transfer\7example", NAME_LEN);
        tsig_keys_release(sets[i]);
    }
}

static void times_apart(void **state)
{
    (void)state;
    struct tsig_keys *keys = make_keys("transfer.example.", DNS_TSIG_HMAC_SHA256, 0);
    struct rejected r;
    r.len = unhex(vectors[0].query, r.query);
    assert_int_equal(judge(&r.exchange, keys, r.query, r.len, NOW + 300), TSIG_GOOD);
    assert_int_equal(judge(&r.exchange, keys, r.query, r.len, NOW - 300), TSIG_GOOD);
    for (int late = 0; late < 2; late++) {
        uint64_t now = late ? NOW + 301 : NOW - 301;
        struct tsig_exchange client;
        reject(&r, keys, now);
        assert_int_equal(r.tsig.error, DNS_TSIG_BADTIME);
        assert_int_equal(r.tsig.mac_len, 32);
        assert_int_equal(r.tsig.other_len, 6);
        uint64_t told = 0;
        for (size_t i = 0; i < 6; i++) {
            told = told << 8 | r.tsig.other[i];
        }
        assert_int_equal(told, now);
        /* the client can tell that this came from the server */
        assert_int_equal(judge(&client, keys, r.query, r.len, NOW), TSIG_GOOD);
        const struct tsig_message reply = {r.reply, r.reply_len, QUESTION_END};
        assert_int_equal(tsig_judge_reply(&client, &reply, NOW), TSIG_REJECTED);
        assert_int_equal(client.error, DNS_TSIG_BADTIME);
    }
    tsig_keys_release(keys);
}

/* The MAC of vectors[0] lies at 80; its size at 78, that of the record at 55. */
static void cut_macs(void **state)
{
    (void)state;
    struct tsig_keys *keys = make_keys("transfer.example.", DNS_TSIG_HMAC_SHA256, 0);
    for (size_t mac = 0; mac < 40; mac++) {
        uint8_t query[MESSAGE_MAX], cut[MESSAGE_MAX] = {0};
        struct tsig_exchange exchange;
        size_t len = unhex(vectors[0].query, query), keep = mac < 32 ? mac : 32;
        memcpy(cut, query, 80 + keep);
        memcpy(cut + 80 + mac, query + 112, len - 112);
        cut[79] = (uint8_t)mac;
        cut[56] = (uint8_t)(61 - 32 + mac);
        enum tsig_result expected = mac >= 16 && mac <= 32 ? TSIG_GOOD : TSIG_MALFORMED;
        assert_int_equal(judge(&exchange, keys, cut, len - 32 + mac, NOW), expected);
        if (expected == TSIG_GOOD) { /* the reply's digest begins with the MAC as it came */
            assert_int_equal(exchange.mac_len, mac);
        }
    }
    tsig_keys_release(keys);
}

static void replies_are_judged(void **state)
{
    (void)state;
    struct tsig_keys *keys = make_keys("transfer.example.", DNS_TSIG_HMAC_SHA256, 0);
    uint8_t query[MESSAGE_MAX], reply[MESSAGE_MAX];
    struct tsig_exchange client;
    size_t len = unhex(vectors[0].query, query), reply_len = unhex(vectors[0].reply, reply);
    const struct tsig_message message = {reply, reply_len, QUESTION_END};
    assert_int_equal(judge(&client, keys, query, len, NOW), TSIG_GOOD); /* holds the request's MAC now */
    reply[3] ^= 1;
    assert_int_equal(tsig_judge_reply(&client, &message, NOW), TSIG_REJECTED);
    assert_int_equal(client.error, DNS_TSIG_BADSIG);
    reply[3] ^= 1;
    assert_int_equal(tsig_judge_reply(&client, &message, NOW + 301), TSIG_REJECTED);
    assert_int_equal(client.error, DNS_TSIG_BADTIME);
    client.mac[0] ^= 1;
    assert_int_equal(tsig_judge_reply(&client, &message, NOW), TSIG_REJECTED);
    client.mac[0] ^= 1;
    assert_int_equal(tsig_judge_reply(&client, &message, NOW), TSIG_GOOD);
    tsig_keys_release(keys);
}

/* ---- bytes ---- */

static void records_that_are_none(void **state)
{
    (void)state;
    struct tsig_keys *keys = make_keys("transfer.example.", DNS_TSIG_HMAC_SHA256, 0);
    struct tsig_exchange exchange;
    uint8_t query[MESSAGE_MAX];
    size_t len = unhex(vectors[0].query, query);
    static const struct {
        size_t at;
        uint8_t value;
    } breaks[] = {{48, 251}, {50, 1},   {54, 1},  {56, 0},  {56, 60},
                  {56, 62},  {79, 200}, {117, 1}, {29, 64}, {57, 70}};
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        (void)unhex(vectors[0].query, query);
        query[breaks[i].at] = breaks[i].value;
        assert_int_equal(judge(&exchange, keys, query, len, NOW), TSIG_MALFORMED);
    }
    (void)unhex(vectors[0].query, query);
    for (size_t cut = QUESTION_END; cut < len; cut++) {
        assert_int_equal(judge(&exchange, keys, query, cut, NOW), TSIG_MALFORMED);
    }
    tsig_keys_release(keys);
}

/* The record may be the last of the additional section and nowhere else. */
static void places(void **state)
{
    (void)state;
    uint8_t query[MESSAGE_MAX], twice[MESSAGE_MAX];
    size_t len = unhex(vectors[0].query, query), at;
    memcpy(twice, query, len);
    memcpy(twice + len, query + QUESTION_END, len - QUESTION_END);
    size_t twice_len = 2 * len - QUESTION_END;
    twice[11] = 2;
    assert_false(dns_tsig_find(twice, twice_len, &at));
    twice[11] = 1;
    twice[7] = 1; /* the first one is an answer */
    assert_false(dns_tsig_find(twice, twice_len, &at));
    query[11] = 0;
    assert_false(dns_tsig_find(query, len, &at));
    assert_true(dns_tsig_find(query, QUESTION_END, &at));
    assert_int_equal(at, 0);
    for (size_t cut = 0; cut < QUESTION_END; cut++) {
        assert_false(dns_tsig_find(query, cut, &at));
    }
}

/* The owner may be compressed: RFC 8945 says nothing against it. */
static void compressed_owner(void **state)
{
    (void)state;
    struct tsig_keys *keys = make_keys("example.com.", DNS_TSIG_HMAC_SHA256, 0);
    struct tsig_exchange client, exchange;
    uint8_t query[MESSAGE_MAX], short_one[MESSAGE_MAX];
    (void)unhex(vectors[0].query, query);
    query[11] = 0;
    tsig_begin(&client, keys, 1);
    size_t len = tsig_sign_request(&client, query, QUESTION_END, sizeof query, NOW);
    memcpy(short_one, query, QUESTION_END);
    short_one[QUESTION_END] = 0xc0;
    short_one[QUESTION_END + 1] = DNS_HEADER_SIZE;
    memcpy(short_one + QUESTION_END + 2, query + QUESTION_END + 13, len - QUESTION_END - 13);
    assert_int_equal(judge(&exchange, keys, short_one, len - 11, NOW), TSIG_GOOD);
    short_one[QUESTION_END + 1] = QUESTION_END; /* leads to itself */
    assert_int_equal(judge(&exchange, keys, short_one, len - 11, NOW), TSIG_MALFORMED);
    tsig_keys_release(keys);
}

static void algorithms_have_names(void **state)
{
    (void)state;
    enum dns_tsig_algorithm algorithm;
    for (int a = 0; a < DNS_TSIG_ALGORITHMS; a++) {
        assert_int_equal(
            dns_tsig_parse_algorithm(dns_tsig_algorithm_text((enum dns_tsig_algorithm)a), &algorithm), 0);
        assert_int_equal(algorithm, a);
    }
    assert_int_equal(dns_tsig_parse_algorithm("HMAC-SHA256", &algorithm), 0);
    assert_int_equal(dns_tsig_parse_algorithm("hmac-md5", &algorithm), ERROR_NOT_FOUND);
}

/* HMACs of one text by keys of n octets 0xaa, around the sizes of a block, as Python's hmac has them; those
 * of 131 octets are RFC 4231, section 4.7. */
static const struct known_mac {
    enum dns_tsig_algorithm algorithm;
    size_t key_len;
    const char *mac;
} known_macs[] = {
    {DNS_TSIG_HMAC_SHA256, 1, "428eb2067a598421c1054659b74355257e88440131480983cc459556b0ca55c5"},
    {DNS_TSIG_HMAC_SHA256, 64, "84332a7580ed3cf75de83c644c8d2c1c262ad90e0190e5c5ae4b82b2102e8e75"},
    {DNS_TSIG_HMAC_SHA256, 65, "c62955a96944ff68deabbc0eab6192065c1c55bb8ddee16151ed5337f911eab9"},
    {DNS_TSIG_HMAC_SHA256, 128, "f4c628398866742a99f3e2550d7f6ca135a8995a3940a190d75636a4fe27d788"},
    {DNS_TSIG_HMAC_SHA256, 129, "2169ff423721eb68fd6ae2b7d5a06348cb962bdbabeb4ba6c2138dff7777d0a6"},
    {DNS_TSIG_HMAC_SHA256, 131, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {DNS_TSIG_HMAC_SHA384, 1,
     "b16aacf20096beccca6015341bda97039f3911e3adcb6bb35e3a67b6899717f00c9234d03273b1fd5e9071f57c2dbd78"},
    {DNS_TSIG_HMAC_SHA384, 64,
     "306792dd87e99a24d7fd2f8fee2950f9725f6bb1c76363dc027765ab8ecf0e22498cbc4d618f8b7f1edee08c37522cc7"},
    {DNS_TSIG_HMAC_SHA384, 65,
     "4ddaee3f88d7009d61786ae4ad32c4bfb1a2c92fa90a78425b4ddc74b717e8aec2e7b110f2e0333638efd2ef9a1cc590"},
    {DNS_TSIG_HMAC_SHA384, 128,
     "d46cb7fc966871f46e151ab056e572d1dd8e829dfd994f59046118c881fbd58439d9b3098725cd8570c4d361b7b4772c"},
    {DNS_TSIG_HMAC_SHA384, 129,
     "368058d027cbcde01266e238a075746990bc3c48420826d59e965ca505af100b453b95e8352601ad08998a4a165ded72"},
    {DNS_TSIG_HMAC_SHA384, 131,
     "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952"},
    {DNS_TSIG_HMAC_SHA512, 1,
     "48eb6f541716a36d2c7ec94f4e041c5847914a9e38ca8d893e56c3c35484770a354282a2a58dcb9c6ae81ae9b79f6ec0"
     "83cf047e0ff78782f8ac1cb3f3807013"},
    {DNS_TSIG_HMAC_SHA512, 64,
     "c875fd3bdaedf841dba929223cfe23efcb3a3cc86c079158902bafe28129075cc432651004e4cc5d17542651674dfce0"
     "fc29bf0a010628d99a62c31b0c915498"},
    {DNS_TSIG_HMAC_SHA512, 65,
     "b88e906c4fdff73e3c28e8c4515aafa99d4075fc9c8117f555d9f3ba2fce2c077fc1e8d4881f036d632a68f3bbbb886f"
     "48d78676b60bdcc290351fc1c00e3812"},
    {DNS_TSIG_HMAC_SHA512, 128,
     "3509e3c2f595a04cded036836e06094146d866a0834de4839f4c349292e8a03e91f29070f7e414b64f286c29aacd4c19"
     "baebcda0d529abcbfb6caf189fb3079f"},
    {DNS_TSIG_HMAC_SHA512, 129,
     "43a4b1f8caa79d9bd189d279990481e79a3096d8ec2aec3901f2bf8a894c89462c21a3e902207de792fce9bfb2d52beb"
     "04289022ebaacfbadc99bae86d3c7c6d"},
    {DNS_TSIG_HMAC_SHA512, 131,
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e52"
     "95e64f73f63f0aec8b915a985d786598"},
};

static void macs_by_keys_of_any_length(void **state)
{
    static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    uint8_t secret[131], mac[TSIG_MAC_MAX], expected[MESSAGE_MAX];
    (void)state;
    memset(secret, 0xaa, sizeof secret);
    for (size_t i = 0; i < sizeof known_macs / sizeof *known_macs; i++) {
        struct hmac_key key;
        hmac_prepare(&key, known_macs[i].algorithm, secret, known_macs[i].key_len);
        size_t size = unhex(known_macs[i].mac, expected);
        assert_int_equal(size, hmac_size(key.algorithm));
        for (int again = 0; again < 2; again++) { /* the key is as it was */
            struct hmac hmac;
            hmac_begin(&hmac, &key);
            hmac_add(&hmac, text, 7);
            hmac_add(&hmac, text + 7, sizeof text - 1 - 7);
            hmac_end(&hmac, mac);
            assert_memory_equal(mac, expected, size);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_judged_and_streams_signed),
        cmocka_unit_test(requests_are_signed_as_others_do),
        cmocka_unit_test(wrong_signatures),
        cmocka_unit_test(unknown_keys),
        cmocka_unit_test(times_apart),
        cmocka_unit_test(cut_macs),
        cmocka_unit_test(replies_are_judged),
        cmocka_unit_test(records_that_are_none),
        cmocka_unit_test(places),
        cmocka_unit_test(compressed_owner),
        cmocka_unit_test(algorithms_have_names),
        cmocka_unit_test(macs_by_keys_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
