/* The settings as people read them: --help, --print-config, the example file and the section of
 * layerd.conf(5). All from the one table, so that none of them can fall behind. */
#ifndef NODE_CONFIG_PRINT_H
#define NODE_CONFIG_PRINT_H

#include "node/config.h"

void config_print_help(struct buffer *out);                              /* the settings part of --help */
void config_print(const struct config *config,
                  struct buffer *out); /* values in force and where each came from */
void config_print_example(struct buffer *out);                           /* contrib/layerd.conf.example */
void config_print_manual(struct buffer *out); /* roff, for contrib/man/layerd.conf.5 */

#endif
