/* The second version: see klp_state.h. */
#define VERSION 2
#include "klp_state.h"
