/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A first configuration, as files: steerd.json, topology.json, the zone and its policy. What they say is what
 * an operator would begin with, and no more; "$comment" tells where to read on. A configuration that it is to
 * replace goes as a whole, zones that are not written anew, too: they would be read beside a topology that
 * does not have their endpoints. Nothing of it is lost: its files get other names, which steerd does not
 * read.
 */
#include "config.h"

#include "ctl/init.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SYSTEM_FOLDER "/etc/steerd"

struct writing {
    const char *folder;
    json_t *files;
};

/* ---- files ---- */

static bool make_folder(const char *path)
{
    if (mkdir(path, 0755) == -1 && errno != EEXIST) {
        fprintf(stderr, "steerctl: the folder %s cannot be made: %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

/* Takes the text. */
static bool write_file(const struct writing *writing, const char *name, char *text)
{
    char *path = memory_print("%s/%s", writing->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_EXCL, 0644);
    FILE *to = fd == -1 ? NULL : fdopen(fd, "w");
    bool good = to != NULL && fputs(text, to) >= 0;
    if (to != NULL) {
        good = fclose(to) == 0 && good;
    }
    if (!good) {
        fprintf(stderr, "steerctl: %s cannot be written: %s%s\n", path, strerror(errno),
                errno == EEXIST ? "; --force replaces it, --to DIR takes another folder" : "");
    } else {
        json_array_append_new(writing->files, json_string(path));
    }
    free(path);
    free(text);
    return good;
}

/* Takes the document. */
static bool write_json(const struct writing *writing, const char *name, json_t *document)
{
    char *json = json_dumps(document, JSON_INDENT(2)), *text = memory_print("%s\n", json);
    json_decref(document);
    free(json);
    return write_file(writing, name, text);
}

/* ---- what was there ---- */

static bool set_aside(const char *path, const char *suffix)
{
    char *other = memory_print("%s%s", path, suffix);
    bool good = rename(path, other) == 0, is_there = good || errno != ENOENT;
    if (good) {
        fprintf(stderr, "steerctl: the file that was %s is %s now\n", path, other);
    } else if (is_there) {
        fprintf(stderr, "steerctl: %s cannot be renamed to %s: %s\n", path, other, strerror(errno));
    }
    free(other);
    return good || !is_there;
}

static bool has_suffix(const struct dirent *entry, const char *wanted)
{
    const char *suffix = strrchr(entry->d_name, '.');
    return suffix != NULL && suffix != entry->d_name && strcmp(suffix, wanted) == 0;
}

static int is_policy(const struct dirent *entry)
{
    return has_suffix(entry, ".json");
}

static int is_zone_or_policy(const struct dirent *entry)
{
    return has_suffix(entry, ".zone") || is_policy(entry);
}

static bool set_zones_aside(const char *zones, const char *suffix)
{
    struct dirent **entries = NULL;
    int count = scandir(zones, &entries, is_zone_or_policy, alphasort);
    bool good = count != -1;
    if (!good) {
        fprintf(stderr, "steerctl: the folder %s cannot be listed: %s\n", zones, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        char *path = memory_print("%s/%s", zones, entries[i]->d_name);
        good = good && set_aside(path, suffix);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return good;
}

/* One suffix tells what belonged together. */
static bool set_configuration_aside(const char *folder, const char *zones)
{
    char suffix[64];
    struct timespec now;
    struct tm parts;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    size_t len = strftime(suffix, sizeof suffix, ".old-%Y%m%dT%H%M%S", gmtime_r(&now.tv_sec, &parts));
    (void)snprintf(suffix + len, sizeof suffix - len, ".%03ldZ", now.tv_nsec / 1000000);
    char *server = memory_print("%s/steerd.json", folder);
    char *topology = memory_print("%s/topology.json", folder);
    bool good = set_zones_aside(zones, suffix) && set_aside(topology, suffix) && set_aside(server, suffix);
    free(server);
    free(topology);
    return good;
}

/* ---- documents ---- */

static json_t *make_comment(const char *text)
{
    json_t *object = json_object();
    json_object_set_new(object, "$comment", json_string(text));
    return object;
}

static json_t *make_server(const struct init_answers *answers, const char *folder)
{
    bool is_system = strcmp(folder, SYSTEM_FOLDER) == 0;
    char text[ADDR_TEXT_SIZE];
    json_t *server = make_comment("Written by steerctl init. Paths are relative to this file. See "
                                  "steerd.json(5) for everything else."),
           *listen = json_array(), *admin = json_object();
    for (unsigned i = 0; i < answers->listen_count; i++) {
        json_array_append_new(listen, json_string(addr_write_port(&answers->listen[i], text)));
    }
    json_object_set_new(server, "listen", listen);
    json_object_set_new(server, "zones", json_string("zones"));
    json_object_set_new(server, "topology", json_string("topology.json"));
    json_object_set_new(server, "state", json_string(is_system ? "/var/lib/steerd" : "var"));
    json_object_set_new(admin, "socket",
                        json_string(is_system ? "/run/steerd/admin.sock" : "var/admin.sock"));
    json_object_set_new(server, "admin", admin);
    return server;
}

static json_t *make_regions(const struct init_answers *answers)
{
    json_t *regions = json_object();
    for (unsigned i = 0; i < answers->region_count; i++) {
        char *az = memory_print("%s-a", answers->regions[i]);
        json_object_set_new(regions, answers->regions[i], json_pack("{s:{s:{}}}", "azs", az));
        free(az);
    }
    return regions;
}

static json_t *make_endpoint(const struct init_answers *answers, const struct init_endpoint *from)
{
    char *az = memory_print("%s-a", answers->regions[from->region]), text[ADDR_TEXT_SIZE];
    json_t *endpoint = json_object(), *addresses = json_array();
    json_object_set_new(endpoint, "az", json_string(az));
    for (size_t i = 0; i < sizeof from->addresses / sizeof *from->addresses; i++) {
        if (from->addresses[i].family != ADDR_NONE) {
            json_array_append_new(addresses, json_string(addr_write(&from->addresses[i], text)));
        }
    }
    json_object_set_new(endpoint, "addresses", addresses);
    if (answers->check_type != NULL) {
        json_object_set_new(endpoint, "checks", json_pack("[s]", answers->label));
    }
    free(az);
    return endpoint;
}

static json_t *make_check(const struct init_answers *answers)
{
    json_t *check = json_object();
    json_object_set_new(check, "type", json_string(answers->check_type));
    if (answers->check_port != 0) {
        json_object_set_new(check, "port", json_integer(answers->check_port));
    }
    if (answers->check_path != NULL) {
        json_object_set_new(check, "path", json_string(answers->check_path));
    }
    json_object_set_new(check, "interval", json_string("5s"));
    json_object_set_new(check, "timeout", json_string("2s"));
    json_object_set_new(check, "fall", json_integer(3));
    json_object_set_new(check, "rise", json_integer(2));
    return check;
}

static json_t *make_topology(const struct init_answers *answers)
{
    json_t *topology = make_comment("What there is, and how it is checked. See steerd-topology(5)."),
           *endpoints = json_object();
    unsigned counts[INIT_REGIONS_MAX] = {0};
    json_object_set_new(topology, "regions", make_regions(answers));
    if (answers->check_type != NULL) {
        json_object_set_new(topology, "checks", json_pack("{s:o}", answers->label, make_check(answers)));
    }
    for (unsigned i = 0; i < answers->endpoint_count; i++) {
        const struct init_endpoint *from = &answers->endpoints[i];
        char *name =
            memory_print("%s-%s-%u", answers->label, answers->regions[from->region], ++counts[from->region]);
        json_object_set_new(endpoints, name, make_endpoint(answers, from));
        free(name);
    }
    json_object_set_new(topology, "endpoints", endpoints);
    return topology;
}

static json_t *make_policy(const struct init_answers *answers)
{
    json_t *policy = make_comment("Which names are steered, and how. See steerd-policy(5) and steering.md."),
           *name = json_object(), *tiers = json_array();
    char *pattern = memory_print("%s-*", answers->label);
    for (unsigned i = 0; i < answers->region_count; i++) {
        json_array_append_new(tiers, json_pack("[s]", answers->regions[i]));
    }
    json_object_set_new(name, "ttl", json_integer(30));
    json_object_set_new(name, "endpoints", json_pack("[s]", pattern));
    json_object_set_new(name, "tiers", tiers);
    json_object_set_new(policy, "names", json_pack("{s:o}", answers->name, name));
    free(pattern);
    return policy;
}

static bool is_wildcard(const struct addr *addr)
{
    static const uint8_t zero[sizeof addr->bytes];
    return memcmp(addr->bytes, zero, sizeof zero) == 0;
}

static char *make_zone(const struct init_answers *answers)
{
    char day[16], text[ADDR_TEXT_SIZE];
    time_t now = time(NULL);
    struct tm parts;
    bool is_known = false;
    (void)strftime(day, sizeof day, "%Y%m%d", gmtime_r(&now, &parts));
    struct buffer zone;
    buffer_init(&zone);
    buffer_print(
        &zone,
        "; Written by steerctl init. What is steered is in the policy beside this file.\n"
        "$ORIGIN %s\n$TTL 300\n@\tIN SOA\tns1 hostmaster ( %s01 3600 600 604800 30 )\n\tIN NS\tns1\n",
        answers->zone, day);
    for (unsigned i = 0; i < answers->listen_count; i++) {
        const struct addr *addr = &answers->listen[i].addr;
        if (!is_wildcard(addr)) {
            buffer_print(&zone, "ns1\tIN %s\t%s\n", addr->family == ADDR_V6 ? "AAAA" : "A",
                         addr_write(addr, text));
            is_known = true;
        }
    }
    if (!is_known) {
        buffer_add_text(&zone, "ns1\tIN A\t192.0.2.53\t; put the address of this server here\n");
    }
    return zone.bytes;
}

static bool is_there(const char *folder, const char *name)
{
    char *path = memory_print("%s/%s", folder, name);
    struct stat file;
    bool is_there = lstat(path, &file) == 0;
    if (is_there) {
        fprintf(stderr,
                "steerctl: nothing was written: %s is there; --force gives it and all that belongs to it "
                "other names, --to DIR takes another folder\n",
                path);
    }
    free(path);
    return is_there;
}

/* Of any zone: it would be read beside a topology that does not have its endpoints. */
static bool is_policy_there(const char *zones)
{
    struct dirent **entries = NULL;
    int count = scandir(zones, &entries, is_policy, alphasort);
    bool found = count > 0 && is_there(zones, entries[0]->d_name);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return found;
}

bool init_write(const struct init_answers *answers, const char *folder, bool replaces, json_t *files)
{
    struct writing writing = {folder, files};
    int len = (int)strlen(answers->zone) - 1; /* without the final dot */
    char *zones = memory_print("%s/zones", folder);
    char *zone = memory_print("zones/%.*s.zone", len, answers->zone);
    char *policy = memory_print("zones/%.*s.json", len, answers->zone);
    bool good = make_folder(folder) && make_folder(zones) &&
                (replaces ? set_configuration_aside(folder, zones)
                          : !is_there(folder, "steerd.json") && !is_there(folder, "topology.json") &&
                                !is_there(folder, zone) && !is_policy_there(zones)) &&
                write_json(&writing, "steerd.json", make_server(answers, folder)) &&
                write_json(&writing, "topology.json", make_topology(answers)) &&
                write_json(&writing, policy, make_policy(answers)) &&
                write_file(&writing, zone, make_zone(answers));
    free(zones);
    free(zone);
    free(policy);
    return good;
}
