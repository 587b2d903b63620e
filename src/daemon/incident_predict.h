/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a drill would have said of an incident. Private to src/daemon. */
#pragma once

#include "base/progress.h"
#include "operate/incident.h"

/* Of the loss of what it is about, by the configuration of this view, with all else healthy. Takes up to
 * seconds: for a worker. Nothing if it is not in the view any more, moved nothing, or is cancelled. */
void incident_predict(struct incident *incident, const struct view *view, struct progress *progress);
