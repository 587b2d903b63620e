/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of base/sha2: the examples of FIPS 180-4, and that it does not matter in which pieces a text comes.
 */
#include "config.h"

#include "unit.h"

#include "base/sha2.h"

#include <stdio.h>
#include <string.h>

static void assert_hex(const uint8_t *digest, size_t size, const char *expected)
{
    char text[2 * SHA512_SIZE + 1];
    for (size_t i = 0; i < size; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    assert_string_equal(text, expected);
}

#define SHORT "abc"
#define LONG                                                                                                 \
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqr" \
    "stnopqrstu"

static const struct example {
    const char *text, *sha256, *sha384, *sha512;
} examples[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f"
     "63b931bd47417a81a538327af927da3e"},
    {SHORT, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
     "454d4423643ce80e2a9ac94fa54ca49f"},
    {LONG, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
     "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039",
     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433a"
     "c7d329eeb6dd26545e96e55b874be909"},
};

static void digest_in_pieces(const struct example *example, size_t at)
{
    uint8_t digest[SHA512_SIZE];
    size_t len = strlen(example->text);
    struct sha256 sha;
    struct sha512 small, large;
    sha256_init(&sha);
    sha384_init(&small);
    sha512_init(&large);
    sha256_add(&sha, example->text, at);
    sha512_add(&small, example->text, at);
    sha512_add(&large, example->text, at);
    struct sha256 copy = sha; /* goes on elsewhere */
    memset(&sha, 0xaa, sizeof sha);
    sha256_add(&copy, example->text + at, len - at);
    sha512_add(&small, example->text + at, len - at);
    sha512_add(&large, example->text + at, len - at);
    sha256_end(&copy, digest);
    assert_hex(digest, SHA256_SIZE, example->sha256);
    memset(digest, 0xaa, sizeof digest);
    sha512_end(&small, digest);
    assert_hex(digest, SHA384_SIZE, example->sha384);
    assert_int_equal(digest[SHA384_SIZE], 0xaa);
    sha512_end(&large, digest);
    assert_hex(digest, SHA512_SIZE, example->sha512);
}

static void digests_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        for (size_t at = 0; at <= strlen(examples[i].text); at++) {
            digest_in_pieces(&examples[i], at);
        }
    }
}

static void a_million(void **state)
{
    (void)state;
    char piece[1000];
    uint8_t digest[SHA256_SIZE];
    struct sha256 sha;
    memset(piece, 'a', sizeof piece);
    sha256_init(&sha);
    for (int i = 0; i < 1000; i++) {
        sha256_add(&sha, piece, sizeof piece);
    }
    sha256_end(&sha, digest);
    assert_hex(digest, sizeof digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void comparison(void **state)
{
    (void)state;
    assert_true(sha2_is_equal("abcd", "abcx", 3));
    assert_false(sha2_is_equal("abcd", "abcx", 4));
    assert_false(sha2_is_equal("xbcd", "abcd", 4));
    assert_true(sha2_is_equal("a", "b", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_in_pieces),
        cmocka_unit_test(a_million),
        cmocka_unit_test(comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
