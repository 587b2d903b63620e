/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was said last of every object in a stream of records (last_kinds.h), so that what is said again, or
 * with another time only, can be left out. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct health_record;
struct sieve;

enum sieve_word {
    SIEVE_NEWS,   /* of an object, and not what was said of it before */
    SIEVE_KNOWN,  /* of an object, and the same */
    SIEVE_PLAN,   /* which objects there are */
    SIEVE_AGES,   /* of a round of ages; */
    SIEVE_ROUND,  /* the first of it */
    SIEVE_MOMENT, /* until when all that was */
    SIEVE_MARK,   /* how the stream stands */
};

struct sieve *sieve_new(void); /* owned: knows nothing */
void sieve_free(struct sieve *sieve);

/* What a record is, for who knows what the sieve does; from then on it is known. `than`: NEWS is what that
 * one does not know, instead; NULL: the sieve itself. */
enum sieve_word sieve_take(struct sieve *sieve, const struct sieve *than, const struct health_record *record);
/* A whole machine was taken. May what was NEWS of it for `before` follow all that was taken there: are the
 * objects the same, and is everything said of what was known? */
bool sieve_follows(const struct sieve *sieve, const struct sieve *before);
