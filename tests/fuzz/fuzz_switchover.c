/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of switchovers as objects of the store: whatever is read can be written, and means the same then;
 * and whatever verbs and times it is given, it stays one that can be read. */
#include "config.h"

#include "daemon/switchover_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void read_again(const struct switchover *what)
{
    const char *why;
    char *written = switchover_write_json(what, NULL);
    struct switchover *second = switchover_read_json(what->id, written, &why);
    expect(second != NULL && why == NULL);
    char *again = switchover_write_json(second, NULL);
    expect(strcmp(written, again) == 0);
    free(written);
    free(again);
    switchover_free(second);
}

/* What lies behind the text says what is done to it. */
static void live(struct switchover *what, const uint8_t *steps, size_t count)
{
    char why[SWITCHOVER_WHY_SIZE];
    int64_t wall_ms = 1795233906789;
    for (size_t i = 0; i < count && i < 64; i++) {
        const struct switchover_wish wish = {.verb = (enum switchover_verb)(steps[i] % SWITCHOVER_VERBS),
                                             .is_emergency = (steps[i] & 0x40) != 0,
                                             .actor = "a"};
        if ((steps[i] & 0x80) != 0) {
            wall_ms += (int64_t)(steps[i] & 0x7f) * 1000;
            (void)switchover_follow(what, wall_ms);
        } else if (switchover_judge(what, &wish, wall_ms, why) == 0) {
            switchover_do(what, &wish, wall_ms);
        }
        expect(switchover_get_share(what) <= 100);
        for (size_t t = 0; t < what->target_count; t++) {
            bool planned;
            struct health_override want = switchover_want(what, t, &planned);
            expect(want.share < HEALTH_RAMP_WHOLE);
        }
    }
    read_again(what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why;
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    size_t len = strlen(text);
    struct switchover *first = switchover_read_json("s", text, &why);
    expect((first == NULL) == (why != NULL));
    if (first != NULL) {
        read_again(first);
        live(first, data + len, size - len);
        switchover_free(first);
    }
    free(text);
    return 0;
}
