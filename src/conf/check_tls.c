/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See check_tls.h. Certificates of the system come from the one file in which distributions keep them. */
#include "config.h"

#include "conf/check_tls.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sha2.h"
#include "base/source.h"
#include "conf/checks.h"
#include "conf/keytable.h"
#include "conf/secret.h"
#include "tls/tls.h"

#include <stdlib.h>
#include <string.h>

enum { AUTHORITIES_MAX = 16 << 20, FILE_MAX = 1 << 20, NAME_MAX_LEN = 253 };
enum { WARN_DAYS_DEFAULT = 14, DAYS_MAX = 3650 };

static const char *const system_authorities[] = {"/etc/ssl/certs/ca-certificates.crt",
                                                 "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

/* A file that a check names; texts owned. */
struct material {
    char *bytes;
    size_t len;
    struct doc_node node;
    const char *path;
};

/* What makes two contexts the same. No padding. */
struct content {
    uint64_t trusts; /* 0: anybody, 1: those of the system, else those of a file */
    uint64_t ca, certificate, key;
    uint64_t ca_len, certificate_len, key_len;
};

static const char *resolve_path(const struct conf_topology *topology, const char *path)
{
    const char *slash = strrchr(topology->path, '/');
    return path[0] == '/' || slash == NULL
               ? arena_copy_text(topology->arena, path)
               : arena_print(topology->arena, "%.*s/%s", (int)(slash - topology->path), topology->path, path);
}

/* One copy of each content, however many checks name it. */
static const char *keep_content(struct conf_topology *topology, const struct material *material)
{
    uint8_t digest[SHA256_SIZE];
    struct sha256 sha;
    sha256_init(&sha);
    sha256_add(&sha, material->bytes, material->len);
    sha256_end(&sha, digest);
    char *content = keytable_find(topology->files, digest, sizeof digest);
    if (content == NULL) {
        content = arena_alloc(topology->arena, material->len + 1);
        memcpy(content, material->bytes, material->len);
        (void)keytable_add(topology->files, arena_copy(topology->arena, digest, sizeof digest), sizeof digest,
                           content);
        topology->kept = memory_grow(topology->kept, topology->kept_count, &topology->kept_capacity,
                                     sizeof *topology->kept);
        topology->kept[topology->kept_count++] = (struct conf_file){.content = content, .len = material->len};
    }
    return content;
}

static void keep_files(struct conf_topology *topology, const struct material materials[CONF_TLS_FILES],
                       struct conf_tls *to)
{
    if (topology->files == NULL) {
        topology->files = keytable_new(topology->arena);
    }
    for (size_t i = 0; i < CONF_TLS_FILES; i++) {
        if (materials[i].bytes != NULL) {
            to->files[to->file_count++] =
                (struct conf_file){.path = arena_copy_text(topology->arena, doc_text(&materials[i].node)),
                                   .content = keep_content(topology, &materials[i]),
                                   .len = materials[i].len};
        }
    }
}

static void wipe(struct material *material)
{
    if (material->bytes != NULL) {
        explicit_bzero(material->bytes, material->len);
        free(material->bytes);
        material->bytes = NULL;
    }
}

/* Of a check that came with its files. */
static bool take_given(const struct conf_topology *topology, const char *path, struct material *material)
{
    for (size_t i = 0; i < topology->given_count; i++) {
        const struct conf_given *given = &topology->given[i];
        if (strcmp(given->path, path) == 0) {
            material->len = strlen(given->content);
            material->bytes = memory_copy(given->content, material->len + 1);
            return true;
        }
    }
    doc_error(&material->node, "the file %s did not come with the check", path);
    return false;
}

/* False: it is not given, or cannot be read, which was reported. */
static bool read_material(const struct doc_node *tls, const char *key, const struct conf_topology *topology,
                          struct material *material)
{
    struct file file;
    int code = 0;
    const char *path = doc_get_text(tls, key);
    if (path == NULL) {
        return false;
    }
    (void)doc_find(tls, key, &material->node);
    material->path = resolve_path(topology, path);
    if (topology->is_told) {
        return take_given(topology, path, material);
    }
    char *real = source_locate(doc_get_report(tls), material->path);
    material->bytes = file_read_all(real, FILE_MAX, &file, &material->len, &code);
    free(real);
    if (material->bytes == NULL) {
        doc_error(&material->node, "the file %s cannot be read: %s", material->path, file.why);
        return false;
    }
    source_note(doc_get_report(tls), material->path, &file);
    if (strcmp(key, "key") == 0) {
        secret_judge_mode(&material->node, material->path, file.mode, "a private key");
    }
    return true;
}

/* ---- whom to trust ---- */

/* They are no part of the configuration: a view of another time, or of another tree, goes by those of now. */
static struct tls_authorities *read_system_authorities(const struct doc_node *node)
{
    const size_t count = sizeof system_authorities / sizeof *system_authorities;
    struct file file;
    size_t len;
    int code = 0;
    char *bytes = NULL, why[TLS_WHY_SIZE];
    size_t i = 0;
    for (; i < count && bytes == NULL; i++) {
        source_see(doc_get_report(node), system_authorities[i]);
        bytes = file_read_all(system_authorities[i], AUTHORITIES_MAX, &file, &len, &code);
    }
    if (bytes == NULL) {
        doc_error(node,
                  "this host has no list of authorities (%s), expected one (package ca-certificates), \"ca\" "
                  "or \"verify\": false",
                  system_authorities[0]);
        return NULL;
    }
    struct tls_authorities *authorities = tls_authorities_new(bytes, len, why);
    if (authorities == NULL) {
        doc_error(node, "the file %s is no list of authorities: %s, expected certificates as PEM",
                  system_authorities[i - 1], why);
    }
    free(bytes);
    return authorities;
}

/* Once per topology; where they are missing, that is an error once. */
static const struct tls_authorities *get_system_authorities(const struct doc_node *node,
                                                            struct conf_topology *topology)
{
    if (!topology->sought_authorities) {
        topology->sought_authorities = true;
        topology->authorities = read_system_authorities(node);
    }
    return topology->authorities;
}

/* ---- contexts ---- */

static void report_part(const struct doc_node *tls, const struct material *certificate,
                        const struct material *key, enum tls_part part, const char *why)
{
    switch (part) {
    case TLS_PART_CERTIFICATE:
        doc_error(&certificate->node, "the file %s is no certificate: %s, expected PEM", certificate->path,
                  why);
        break;
    case TLS_PART_KEY:
        doc_error(&key->node, "the file %s is not the key: %s, expected that of \"certificate\" as PEM",
                  key->path, why);
        break;
    case TLS_PART_NONE: doc_error(tls, "there can be no TLS: %s", why); break;
    }
}

static void keep(struct conf_topology *topology, const struct content *content, struct tls_context *context)
{
    topology->held = memory_grow(topology->held, topology->held_count, &topology->held_capacity,
                                 sizeof(struct tls_context *));
    topology->held[topology->held_count++] = context;
    (void)keytable_add(topology->contexts, arena_copy(topology->arena, content, sizeof *content),
                       sizeof *content, context);
}

/* With a list of authorities of its own; NULL: reported. */
static struct tls_context *make_context(const struct doc_node *tls, struct conf_topology *topology,
                                        const struct content *content, const struct material materials[3])
{
    const struct material *ca = &materials[0], *certificate = &materials[1], *key = &materials[2];
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    struct tls_authorities *own = NULL;
    if (ca->bytes != NULL && (own = tls_authorities_new(ca->bytes, ca->len, why)) == NULL) {
        doc_error(&ca->node, "the file %s is no list of authorities: %s, expected certificates as PEM",
                  ca->path, why);
        return NULL;
    }
    const struct tls_authorities *system =
        content->trusts == 1 ? get_system_authorities(tls, topology) : NULL;
    if (content->trusts == 1 && system == NULL) {
        return NULL;
    }
    struct tls_plan plan = {.authorities = own != NULL ? own : system,
                            .partial_chain = own != NULL,
                            .certificate = {certificate->bytes, certificate->len},
                            .key = {key->bytes, key->len}};
    struct tls_context *context = tls_context_new(&plan, &part, why);
    tls_authorities_free(own);
    if (context == NULL) {
        report_part(tls, certificate, key, part, why);
    } else {
        keep(topology, content, context);
    }
    return context;
}

static uint64_t hash_material(const struct material *material)
{
    return hash_finish(hash_bytes(HASH_START, material->bytes, material->len));
}

static uint64_t hash_content(const struct content *content)
{
    const uint64_t words[] = {content->ca,     content->certificate,     content->key,
                              content->ca_len, content->certificate_len, content->key_len};
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        hash = hash_finish(hash ^ words[i]);
    }
    return hash_finish(hash ^ content->trusts);
}

static void find_context(const struct doc_node *tls, struct conf_topology *topology, bool verifies,
                         const struct material materials[3], struct conf_tls *to)
{
    struct content content = {.trusts = materials[0].bytes != NULL ? 2 : verifies,
                              .ca = hash_material(&materials[0]),
                              .certificate = hash_material(&materials[1]),
                              .key = hash_material(&materials[2]),
                              .ca_len = materials[0].len,
                              .certificate_len = materials[1].len,
                              .key_len = materials[2].len};
    to->mark = hash_content(&content);
    to->context = keytable_find(topology->contexts, &content, sizeof content);
    if (to->context == NULL) {
        to->context = make_context(tls, topology, &content, materials);
    }
}

/* ---- the object ---- */

static void read_context(const struct doc_node *tls, struct conf_topology *topology, struct conf_tls *to)
{
    struct material materials[3] = {{.len = 0}};
    struct doc_node ca, certificate, key;
    size_t issues = doc_count_issues(tls->doc);
    bool verifies = doc_get_bool(tls, "verify", true);
    bool has_certificate = doc_find(tls, "certificate", &certificate), has_key = doc_find(tls, "key", &key);
    if (!verifies && doc_find(tls, "ca", &ca)) {
        doc_error_at_key(&ca, "found \"ca\" beside \"verify\": false, by which nobody looks at it");
    }
    if (has_certificate != has_key) {
        doc_error_at_key(has_certificate ? &certificate : &key,
                         "found \"%s\" alone, expected "
                         "\"certificate\" and \"key\"",
                         has_certificate ? "certificate" : "key");
    }
    bool good = issues == doc_count_issues(tls->doc);
    static const char *const keys[3] = {"ca", "certificate", "key"};
    for (size_t i = 0; i < 3; i++) {
        struct doc_node given;
        good &= !doc_find(tls, keys[i], &given) || read_material(tls, keys[i], topology, &materials[i]);
    }
    if (good) {
        find_context(tls, topology, verifies, materials, to);
        keep_files(topology, materials, to);
    }
    for (size_t i = 0; i < 3; i++) {
        wipe(&materials[i]);
    }
}

static bool is_name(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";
    return text[strspn(text, allowed)] == '\0' && strlen(text) <= NAME_MAX_LEN && text[0] != '.';
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const char *read_name(const struct doc_node *tls, const struct conf_topology *topology)
{
    struct doc_node member;
    const char *name = doc_get_text(tls, "name");
    if (name != NULL && !is_name(name)) {
        (void)doc_find(tls, "name", &member);
        doc_error_expected(&member, "the host name or the address that the certificate is for");
    }
    return arena_copy_text(topology->arena, name);
}

static void read_days(const struct doc_node *tls, struct conf_tls *to)
{
    static const uint32_t range[2] = {0, DAYS_MAX};
    struct doc_node member;
    to->min_days = doc_get_number(tls, "min_days", range, 0);
    to->warn_days = doc_get_number(tls, "warn_days", range,
                                   to->min_days > WARN_DAYS_DEFAULT ? to->min_days : WARN_DAYS_DEFAULT);
    if (to->warn_days != 0 && to->warn_days < to->min_days && doc_find(tls, "warn_days", &member)) {
        doc_error(&member, "found %u, expected at least \"min_days\", which is %u", to->warn_days,
                  to->min_days);
    }
}

/* What may be spoken, the best first. HTTP/1.1 alone is what is offered where nobody says anything. */
static const char *read_protocols(const struct doc_node *tls, const struct conf_check *check)
{
    static const struct {
        const char *first, *second, *protocols;
    } lists[] = {{"h2", NULL, "\x02h2"},
                 {"h2", "http/1.1", "\x02h2\x08http/1.1"},
                 {"http/1.1", "h2", "\x08http/1.1\x02h2"},
                 {"http/1.1", NULL, NULL}};
    struct doc_node list, item = {0};
    const char *names[2] = {NULL, NULL};
    if (!doc_find(tls, "alpn", &list)) {
        return NULL;
    }
    if (check->type != CONF_CHECK_HTTPS) {
        doc_error_at_key(&list, "a check of type \"grpc\" speaks HTTP/2, and sets \"alpn\" by itself");
        return NULL;
    }
    bool good = doc_is_array(&list) && doc_count(&list) <= 2;
    while (good && doc_next(&list, &item)) {
        names[item.ordinal] = doc_text(&item);
        good = names[item.ordinal] != NULL;
    }
    for (size_t i = 0; good && i < sizeof lists / sizeof *lists; i++) {
        if (is_same_text(names[0], lists[i].first) && is_same_text(names[1], lists[i].second)) {
            return lists[i].protocols;
        }
    }
    doc_error_expected(&list, "an array of \"h2\", \"http/1.1\" or both, the best first");
    return NULL;
}

void check_tls_read(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check)
{
    static const char *const keys[] = {"name",   "verify",    "ca",       "certificate", "key",
                                       "resume", "warn_days", "min_days", "alpn",        NULL};
    struct doc_node given;
    struct conf_tls *tls = arena_alloc(topology->arena, sizeof *tls);
    check->tls = tls;
    if (!doc_find(node, "tls", &given)) {
        tls->resumes = true;
        tls->warn_days = WARN_DAYS_DEFAULT;
        find_context(node, topology, true, (const struct material[3]){{.len = 0}}, tls);
        return;
    }
    if (doc_check_object(&given, keys)) {
        tls->name = read_name(&given, topology);
        tls->protocols = read_protocols(&given, check);
        tls->resumes = doc_get_bool(&given, "resume", true);
        read_days(&given, tls);
        read_context(&given, topology, tls);
    }
}
