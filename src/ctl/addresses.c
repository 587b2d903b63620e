/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The addresses of a target, as the API knows them. */
#include "config.h"

#include "ctl/verbs.h"

#include <string.h>

static void add_endpoint(const json_t *endpoint, json_t *addresses)
{
    size_t i;
    const json_t *address;
    json_array_foreach(json_object_get(endpoint, "addresses"), i, address)
    {
        json_object_set_new(addresses, json_string_value(address), json_true());
    }
}

enum steerctl_exit target_list_addresses(const struct steerctl *ctl, const char *target, json_t *addresses)
{
    const char *plural, *name;
    struct buffer path;
    json_t *json = NULL;
    size_t i;
    const json_t *endpoint;
    if (!target_split(target, &plural, &name)) {
        return steerctl_usage("found \"%s\", expected an address, region:NAME, az:NAME or endpoint:NAME",
                              target);
    }
    struct steerctl quiet = *ctl;
    quiet.json = false;
    bool is_one = strcmp(plural, "endpoints") == 0;
    buffer_init(&path);
    buffer_add_text(&path, is_one ? "/v1/endpoints/" : "/v1/endpoints");
    if (is_one) {
        steerctl_add_encoded(&path, name);
    } else {
        steerctl_add_query(&path, strcmp(plural, "azs") == 0 ? "az" : "region", name);
    }
    enum steerctl_exit code = is_one ? steerctl_ask_json(&quiet, "GET", path.bytes, NULL, &json)
                                     : steerctl_list(&quiet, path.bytes, &json);
    if (code == STEERCTL_OK && is_one) {
        add_endpoint(json, addresses);
    } else if (code == STEERCTL_OK) {
        json_array_foreach(json, i, endpoint)
        {
            add_endpoint(endpoint, addresses);
        }
    }
    json_decref(json);
    buffer_fini(&path);
    return code;
}
