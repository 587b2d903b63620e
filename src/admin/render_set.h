/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fields of JSON objects, for the files that render. */
#pragma once

#include "admin/render.h"
#include "base/clock.h"

static inline void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static inline void set_text(json_t *object, const char *key, const char *text)
{
    set(object, key, render_text(text));
}

static inline void set_number(json_t *object, const char *key, uint64_t number)
{
    set(object, key, json_integer((json_int_t)number));
}

/* 0 is null. */
static inline json_t *number_or_null(uint32_t number)
{
    return number == 0 ? json_null() : json_integer(number);
}

/* In hexadecimal digits; NULL is null. */
static inline void set_hash(json_t *object, const char *key, const unsigned char *hash)
{
    static const char digits[] = "0123456789abcdef";
    char text[ADMIN_HASH_TEXT_SIZE] = "";
    for (size_t i = 0; hash != NULL && i < ADMIN_HASH_LEN; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    set_text(object, key, hash == NULL ? NULL : text);
}

/* 0 is "never". */
static inline json_t *render_time(int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    return render_text(wall_ms == 0 ? NULL : clock_write_rfc3339(wall_ms, text));
}

static inline void set_time(json_t *object, const char *key, int64_t wall_ms)
{
    set(object, key, render_time(wall_ms));
}
