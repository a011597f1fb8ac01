/* The first version: see klp_state.h. */
#define VERSION 1
#include "klp_state.h"
