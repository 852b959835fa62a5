/* The levels of the log as the operator gives them ("info,api:debug"): log_set_levels, and the rooms must be
 * ones that there are. Their list stands in log_levels.c alone. */
#ifndef NODE_LOG_LEVELS_H
#define NODE_LOG_LEVELS_H

#include "base/status.h"

/* ERROR_INVALID_PARAMS: a level or a room that there is not, with what may have been meant. */
MUST_CHECK enum status log_levels_apply(const char *levels, struct error *error);

#endif
