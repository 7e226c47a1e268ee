// Failures that a test plants: the n-th call of a function gives a status. Counts calls by name.
#pragma once

extern "C" {

/** The status planted for this call of a function, 0 where none is. */
int peftPlanted(const char *name);

/** Makes the n-th call from now (counted from 1) of a function give a status; 0 takes it back. */
void peftPlant(const char *name, int nth, int status);

/** How often a function was called. */
unsigned long long peftCalls(const char *name);

/** Forgets failures and counts. */
void peftForgetCalls();
}
