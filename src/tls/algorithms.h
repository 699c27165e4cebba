/*
 * OpenSSL 3 makes an object of each algorithm that it has, 300 of them, before
 * it uses the first: twice the time of all that a process needs else to begin.
 * This shows it only those that TLS, certificates and tickets are made of.
 */
#ifndef ALGORITHMS_H
#define ALGORITHMS_H

#include <stdbool.h>

/* Before anything else of OpenSSL. False with an OpenSSL error. */
bool algorithms_begin(void);

#endif
