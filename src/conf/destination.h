/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading where an endpoint is: "addresses" or "host". Private to conf. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

/* An upper bound of the distinct host names of these endpoints: topology->hosts has to have the room. */
size_t destination_count_hosts(const struct doc_node *endpoints);
/* One that is entered into the topology. NULL: it is no host name, which is reported. */
const struct conf_host *destination_read_host(struct conf_topology *topology, const struct doc_node *node);
/* Addresses, or a host that is entered into the topology. */
void destination_read(struct conf_topology *topology, const struct doc_node *node,
                      struct conf_endpoint *endpoint);
