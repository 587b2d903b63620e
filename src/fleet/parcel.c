/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a node is given of bundles, from another thread to its connection. Blocks go in pieces, and only while
 * little else waits there: whatever is said to it meanwhile stands behind some pieces, and not behind a block
 * and all that the kernel would keep. */
#include "config.h"

#include "fleet/inside.h"

#include "base/memory.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    FILL_TO = 64 << 10,    /* octets that wait, while there are more pieces */
    UNSENT_MAX = 128 << 10 /* … that the kernel keeps before it sends them */
};

struct parcel {
    STAILQ_ENTRY(parcel) link;
    struct buffer line;       /* what there is to say; of a block: made for each piece */
    struct fleet_piece block; /* with octets (owned): the rest of it */
    char bundle[FLEET_BUNDLE_SIZE];
};

struct parcel_mail {
    struct mail mail;
    unsigned number;
    uint64_t connection;
    struct parcel *parcel;
};

static void free_parcel(struct parcel *parcel)
{
    buffer_fini(&parcel->line);
    free((void *)(uintptr_t)parcel->block.octets);
    free(parcel);
}

/* ---- in a connection ---- */

/* The next piece of it. False: it was the last one. */
static bool write_piece(struct parcel *parcel, struct buffer *to)
{
    struct fleet_piece *block = &parcel->block;
    uint32_t left = block->of - block->from;
    block->len = left < FLEET_PIECE_MAX ? left : (uint32_t)FLEET_PIECE_MAX;
    fleet_write(&(struct fleet_message){.kind = FLEET_BLOCK, .piece = *block}, to);
    buffer_add(to, block->octets + block->from, block->len);
    block->from += block->len;
    return block->from < block->of;
}

static void end_parcel(struct session *session)
{
    struct parcel *parcel = STAILQ_FIRST(&session->parcels);
    STAILQ_REMOVE_HEAD(&session->parcels, link);
    free_parcel(parcel);
    session->fleet->hooks.given(session->fleet->hooks.context, session->number, session->id);
}

void session_fill_parcels(struct session *session)
{
    struct buffer piece;
    struct parcel *parcel;
    buffer_init(&piece);
    while ((parcel = STAILQ_FIRST(&session->parcels)) != NULL &&
           fleet_line_waiting(session->line) < FILL_TO) {
        bool is_block = parcel->block.octets != NULL;
        const struct buffer *line = is_block ? &piece : &parcel->line;
        piece.len = 0;
        bool more = is_block && write_piece(parcel, &piece);
        if (!fleet_line_say(session->line, line->bytes, line->len)) {
            session_end(session, "it takes nothing"); /* a piece of a block would be missing */
            break;
        }
        if (!more) {
            end_parcel(session);
        }
    }
    buffer_fini(&piece);
}

void session_drop_parcels(struct session *session)
{
    struct parcel *parcel;
    while ((parcel = STAILQ_FIRST(&session->parcels)) != NULL) {
        STAILQ_REMOVE_HEAD(&session->parcels, link);
        free_parcel(parcel);
    }
}

/* ---- from another thread ---- */

static void take_parcel(struct fleet *fleet, struct mail *mail)
{
    const struct parcel_mail *asked = (const struct parcel_mail *)mail;
    struct session *session = fleet_find_session(fleet, asked->number);
    if (session == NULL || session->id != asked->connection || session->why[0] != '\0') {
        free_parcel(asked->parcel);
        return;
    }
    if (!session->has_parcels) {
        session->has_parcels = true;
        (void)setsockopt(session->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){UNSENT_MAX}, sizeof(int));
    }
    STAILQ_INSERT_TAIL(&session->parcels, asked->parcel, link);
}

void fleet_give(struct fleet *fleet, unsigned number, uint64_t connection,
                const struct fleet_message *message, uint8_t *octets)
{
    struct parcel_mail *mail = memory_alloc(sizeof *mail);
    struct parcel *parcel = memory_alloc(sizeof *parcel);
    if (message->kind == FLEET_BLOCK) {
        parcel->block = message->piece;
        parcel->block.octets = octets;
        snprintf(parcel->bundle, sizeof parcel->bundle, "%s", message->piece.bundle);
        parcel->block.bundle = parcel->bundle;
    } else {
        fleet_write(message, &parcel->line);
    }
    *mail = (struct parcel_mail){
        .mail.take = take_parcel, .number = number, .connection = connection, .parcel = parcel};
    fleet_send(fleet, &mail->mail);
}
