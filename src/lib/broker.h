/*
 * The doorkeeper's part in handing on: a talker is confined, and what it starts
 * would be too. So the doorkeeper starts deliver for it, and nudges queue-run.
 */
#ifndef BROKER_H
#define BROKER_H

#include "door.h"

/*
 * A talker asks for a descriptor on which deliver speaks LMTP, whatever it
 * calls it. It says the id of what it has queued, or "": it will ask soon, and
 * deliver may begin meanwhile.
 */
extern struct door_service broker;

#endif
